//! Counting requests, catching panics, and turning bare error answers of libraries into problems.

use std::any::Any;

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::{PROBLEM_JSON, Problem};

/// Counts the request by route and status. The route is the pattern with its method, so neither
/// keys nor unknown paths make new series.
pub(crate) async fn count(request: Request, next: Next) -> Response {
    let method = match *request.method() {
        Method::GET | Method::HEAD => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    };
    let route = match request.extensions().get::<MatchedPath>() {
        Some(path) => format!("{method} {}", path.as_str()),
        None => "none".to_owned(),
    };
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!("mercer_admin_requests_total", "route" => route, "status" => status)
        .increment(1);
    response
}

/// Replaces the body of an error that is not a problem yet, keeping status and other headers.
pub(crate) async fn only_problems(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let media_type = response.headers().get(header::CONTENT_TYPE);
    if !is_error || media_type.is_some_and(|value| value == PROBLEM_JSON) {
        return response;
    }
    let mut problem = Problem::of_status(status).into_response();
    *problem.status_mut() = status;
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            problem.headers_mut().insert(name, value.clone());
        }
    }
    problem
}

/// Answers for an operation that panicked. What it says may hold data, so it is not logged here.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("an admin operation panicked");
    Problem::internal().into_response()
}

/// Answers for a path that does not exist.
pub(crate) async fn nothing_here() -> Problem {
    Problem::of_status(StatusCode::NOT_FOUND)
}
