use mercer_conversation::open_effect;
use mercer_schemas::{Generated, Input, ProductId, RecordKey};
use mercer_testing::until;

use super::running::STALE_RETRIES_MAX;
use super::*;
use crate::testing::{World, number, says};

/// Collects what a conversation tells its partition.
struct Probe;

#[ractor::async_trait]
impl Actor for Probe {
    type Msg = PartitionMsg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<PartitionMsg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

#[tokio::test]
async fn an_answer_made_of_records_that_changed_is_worked_out_again_and_in_the_end_given_up() {
    let world = World::start().await;
    let stream = world.receive(vec![says("one", "a kettle")]).await;
    assert!(world.context.lease(number(&stream)).is_some());
    let (partition, _) = Actor::spawn(None, Probe, ()).await.expect("probe");
    let context = Arc::clone(&world.context);
    let handler = ConversationActor { context, partition };
    let arguments = Arguments {
        stream: stream.clone(),
        vitals: Arc::default(),
    };
    let (actor, _) = Actor::spawn(None, handler, arguments)
        .await
        .expect("conversation");
    actor.cast(ConversationMsg::Wake).expect("wake");
    let gone = RecordKey::Product(ProductId::new("K-1").expect("key"));
    for round in 1..=STALE_RETRIES_MAX as usize + 1 {
        until("the model is asked", async || {
            world.model.asked().len() == round
        })
        .await;
        let effect = open(&world, &stream).await;
        assert_eq!(world.model.asked()[round - 1], effect.to_string());
        assert!(world.failures(&stream).await.is_empty(), "given up early");
        let outcome = Outcome {
            input: Input::Generated {
                effect: effect.clone(),
                output: written(r#"{"calls":[]}"#),
                intents: Vec::new(),
            },
            expect_versions: vec![(gone.clone(), 99)],
        };
        let answered = ConversationMsg::Answered(effect, outcome);
        actor.cast(answered).expect("answer");
    }
    until("it is given up", async || {
        world.failures(&stream).await == ["stale"]
    })
    .await;
}

/// Returns the effect that the conversation's log waits for.
async fn open(world: &World, stream: &Stream) -> EffectId {
    let journal = Journal::load(&world.context, stream.clone()).await;
    let state = journal.expect("a conversation").state;
    open_effect(&state.phase).expect("an open effect")
}

fn written(text: &str) -> Generated {
    Generated {
        text: text.into(),
        model: "test".to_owned(),
        prompt_sha256: String::new(),
        prompt_tokens: 1,
        cached_tokens: 0,
        output_tokens: 1,
        first_token_ms: 1,
        total_ms: 1,
    }
}
