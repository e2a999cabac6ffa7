//! The store's contract, kept by both databases: every topic runs on SQLite and on a real
//! PostgreSQL. On SQLite each topic is a test; on PostgreSQL one test runs them all, since each
//! test process starts a server of its own.

#![expect(
    unreachable_pub,
    reason = "modules of one test binary; nothing is exported"
)]

mod append;
mod catalog;
mod inbox;
mod leases;
mod notices;
mod outbox;
mod pages;
mod retention;
mod services;
mod support;
mod unavailable;

use support::Env;

macro_rules! topics {
    ($($module:ident :: $topic:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $topic() {
                    super::$module::$topic(super::Env::sqlite().await).await;
                }
            )+
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres_keeps_the_whole_contract() {
            $(
                println!("{}::{}", stringify!($module), stringify!($topic));
                $module::$topic(Env::postgres().await).await;
            )+
        }
    };
}

topics![
    inbox::identical_inserts_in_parallel_are_one_row,
    inbox::a_failing_command_harms_no_other_of_its_group,
    inbox::callers_that_go_away_lose_nothing,
    inbox::rows_open_in_the_order_they_were_sent,
    inbox::statuses_go_to_the_conversation_of_their_message,
    inbox::what_cannot_be_processed_is_parked_with_its_reason,
    inbox::attempts_are_counted_before_processing,
    inbox::an_attempt_is_taken_back_once,
    inbox::a_row_that_cannot_be_read_hides_no_other,
    append::an_append_is_all_or_nothing,
    append::a_log_is_read_in_parts_of_bounded_size,
    append::a_lost_lease_appends_nothing,
    append::a_position_is_written_once,
    append::inbox_rows_are_settled_once,
    append::a_moved_version_is_stale,
    append::racing_owners_never_interleave,
    append::logs_and_snapshots_come_back_as_written,
    outbox::messages_are_claimed_in_order_per_conversation,
    outbox::retries_wait_and_failures_free_the_next,
    outbox::unknown_messages_are_not_sent_again_by_themselves,
    outbox::messages_of_a_dead_owner_become_unknown,
    outbox::a_claim_that_nobody_heard_of_becomes_unknown,
    outbox::what_a_node_still_sends_is_no_left_over_of_its_own,
    outbox::what_a_node_sent_under_a_lease_before_is_found_when_it_is_lost,
    outbox::a_message_that_cannot_be_read_holds_up_no_other,
    outbox::reports_form_a_lattice,
    outbox::a_message_of_parts_is_settled_when_all_are,
    outbox::a_claim_needs_a_lease,
    outbox::no_message_passes_one_of_many_unknown_ones,
    outbox::an_owner_that_was_frozen_undoes_nothing,
    outbox::what_a_frozen_owner_did_send_counts_until_it_is_sent_again,
    outbox::a_clock_that_steps_back_holds_no_message,
    leases::a_living_node_keeps_its_partitions,
    leases::an_expired_node_loses_its_partitions,
    leases::epochs_rise_with_every_claim,
    leases::living_nodes_share_the_partitions,
    leases::what_a_dead_node_held_is_claimed_under_new_epochs,
    leases::what_nobody_works_on_is_claimed_anew,
    catalog::versions_rise_and_conflicts_are_named,
    catalog::changes_are_text_or_live,
    catalog::codes_are_found_however_they_are_written,
    catalog::an_import_is_all_or_nothing,
    catalog::shops_never_see_each_other,
    catalog::brands_are_those_of_visible_products,
    catalog::documents_are_in_force_for_their_time,
    catalog::customers_are_identified_by_exactly_one_match,
    catalog::orders_are_found_without_case,
    notices::notices_go_out_in_order_per_conversation,
    notices::a_notice_that_nobody_wants_is_settled,
    notices::a_frozen_sender_changes_nothing_any_more,
    notices::what_was_given_up_is_listed_and_can_be_sent_again,
    notices::a_message_that_fails_is_told_with_its_cause,
    catalog::a_look_up_with_nul_finds_nothing,
    services::the_feed_skips_nothing_while_many_write,
    services::a_waiting_feed_reader_wakes,
    services::keys_are_shown_once_and_can_be_revoked,
    services::a_repeated_request_gets_its_answer,
    services::fifty_equal_requests_run_once,
    services::processes_around_one_database_share_a_secret,
    services::what_is_written_as_a_proof_is_kept_under_a_key_that_all_processes_share,
    services::a_thousand_probes_are_one_write,
    services::opening_again_finds_everything,
    retention::what_came_in_stays_as_long_as_it_may_come_again,
    retention::what_came_in_goes_in_batches,
    retention::only_settled_messages_are_forgotten,
    retention::answers_for_repeated_requests_are_forgotten,
    retention::wrong_proofs_are_forgotten,
    retention::changes_that_a_reader_needs_and_the_newest_stay,
    retention::dead_nodes_are_forgotten_and_living_owners_are_not,
    retention::snapshots_of_quiet_conversations_can_go,
    retention::quiet_conversations_go_whole,
    retention::nobody_who_writes_is_forgotten,
    retention::notices_go_after_their_last_delivery,
    pages::products_are_listed_completely,
    pages::conversations_are_listed_completely,
    pages::filters_narrow_the_list,
];
