//! `gift_wrap`: a tool in a test. This file and a line in [`super::ALL`] are all that it takes to run
//! a call; what a call looks like is known to whoever plans it.

use async_trait::async_trait;
use mercer_schemas::{Evidence, ToolCall};

use super::{Answer, Error, Request, Tools};

pub(super) struct Tool;

#[async_trait]
impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        "gift_wrap"
    }

    async fn run(
        &self,
        _: &Tools,
        request: &Request<'_>,
        _: &ToolCall,
        answer: &mut Answer,
    ) -> Result<(), Error> {
        let outcome = if request.shop.name == "Highbarn" {
            "offered"
        } else {
            "not_offered"
        };
        answer.evidence.push(Evidence::Outcome {
            tool: self.name().to_owned(),
            outcome: outcome.to_owned(),
        });
        Ok(())
    }
}
