//! `POST /v1/shops/{shop}/webhooks/deliveries/{delivery}/resend`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mercer_schemas::{DeliveryId, ShopId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::DeliveryRecord;
use crate::Admin;
use crate::auth::Caller;
use crate::extract::PathParams;
use crate::problem::{Kind, Problem};

/// Path of one delivery.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DeliveryPath {
    /// The shop.
    #[param(value_type = String, example = "highbarn")]
    #[expect(dead_code, reason = "the gate has read it")]
    shop: ShopId,
    /// The delivery.
    #[param(value_type = String, example = "dlv_01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    delivery: DeliveryId,
}

/// Send a delivery again
///
/// One that was delivered or given up is due at once, with all its tries before it. Its notice
/// keeps its id, so a receiver that has it already knows it.
#[utoipa::path(
    post,
    path = "/v1/shops/{shop}/webhooks/deliveries/{delivery}/resend",
    tag = "webhooks",
    params(DeliveryPath),
    responses((status = 202, description = "it is due", body = DeliveryRecord)),
    security(("admin_key" = ["webhooks:resend"])),
)]
pub(crate) async fn resend_delivery(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<DeliveryPath>,
) -> Result<(StatusCode, Json<DeliveryRecord>), Problem> {
    let notices = admin.store.notices();
    let shop = caller.shop_id();
    let is_due = notices
        .resend(shop, &path.delivery, crate::now_ms())
        .await?;
    let row = notices.get(shop, &path.delivery).await?;
    let row = row.ok_or_else(|| Problem::not_found("delivery"))?;
    if !is_due {
        return Err(Problem::new(
            Kind::Conflict,
            "the delivery is not settled yet; see its state and next_at_ms",
        ));
    }
    Ok((StatusCode::ACCEPTED, Json(row.into())))
}
