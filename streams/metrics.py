"""Every metric of every process, in one place. Labels are bounded and never hold user text."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SHORT_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60)
_PATIENT_SECONDS = (10, 30, 60, 300, 900, 3_600, 14_400, 43_200, 86_400, 259_200, 604_800)
_EVENTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self) -> None:  # noqa: PLR0915 - a statement a metric
        self.registry = CollectorRegistry()
        registry = self.registry
        # the stages
        self.events = Counter(
            "weir_events", "Events that ended, by stage and action.", ["stage", "action"], registry=registry
        )
        self.findings = Counter(
            "weir_findings",
            "Findings by stage, guard, label and action.",
            ["stage", "guard", "label", "action"],
            registry=registry,
        )
        self.dead_letters = Counter(
            "weir_dead_letters", "Dead letters by stage and code.", ["stage", "code"], registry=registry
        )
        self.dead_letter_stop = Gauge(
            "weir_dead_letter_stop",
            "1 where a stage has stopped because too much would become dead letters.",
            ["stage"],
            registry=registry,
        )
        self.guard_seconds = Histogram(
            "weir_guard_batch_seconds", "Time to guard one batch.", ["stage"], buckets=_SECONDS, registry=registry
        )
        self.guard_faults = Counter(
            "weir_guard_faults", "Passages that a guard did not read, by what went wrong.", ["guard", "fault"],
            registry=registry,
        )  # fmt: skip
        self.guard_open = Gauge(
            "weir_guard_open", "1 while a guard fails at everything and is not asked.", ["guard"], registry=registry
        )
        self.batch_events = Histogram(
            "weir_batch_events", "Events guarded in one call.", ["stage"], buckets=_EVENTS, registry=registry
        )
        self.event_age = Histogram(
            "weir_event_age_seconds",
            "From arrival on the broker to verdict.",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.samples = Counter(
            "weir_review_samples",
            "Verdicts drawn for people to read, by stage and stratum.",
            ["stage", "stratum"],
            registry=registry,
        )
        self.feedback = Counter(
            "weir_feedback", "Feedback kept, by sentiment; none where it has neither thumb nor rating.", ["sentiment"],
            registry=registry,
        )  # fmt: skip
        self.review_seconds = Histogram(
            "weir_review_seconds",
            "From the opening of a review to its label, or to the decision about it.",
            ["kind"],
            buckets=_PATIENT_SECONDS,
            registry=registry,
        )
        # policies
        self.policies_refused = Counter(
            "weir_policies_refused",
            "Messages of the topic policies that were refused, by code.",
            ["code"],
            registry=registry,
        )
        self.policy_version = Gauge(
            "weir_policy_version",
            "The version of a policy that is in force (current) or on trial (shadow, share).",
            ["policy", "role"],
            registry=registry,
        )
        # the writer
        self.rows = Counter("weir_store_rows", "Rows stored, by table.", ["table"], registry=registry)
        self.insert_seconds = Histogram(
            "weir_store_insert_seconds", "Time of one insert, by table.", ["table"], buckets=_SECONDS, registry=registry
        )
        self.store_retries = Counter("weir_store_retries", "Inserts tried again.", registry=registry)
        self.store_lag = Gauge("weir_store_lag_events", "Messages not stored yet.", ["topic"], registry=registry)
        self.store_age = Gauge("weir_store_age_seconds", "Age of the oldest message not stored yet.", registry=registry)
        self.store_paused = Gauge("weir_store_paused", "1 while the writer waits for the store.", registry=registry)
        # inference
        self.infer_answers = Counter(
            "weir_infer_answers",
            "Completions by the model, if one was asked, and by code or, where there is none, by what ended them.",
            ["model", "code"],
            registry=registry,
        )
        self.infer_seconds = Histogram(
            "weir_infer_seconds", "Time of one request in the model.", ["model"], buckets=_SECONDS, registry=registry
        )
        self.infer_first_token_seconds = Histogram(
            "weir_infer_first_token_seconds",
            "From a request's entry into the model to its first token.",
            ["model"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.infer_token_seconds = Histogram(
            "weir_infer_token_seconds",
            "From one token to the next, the mean of an answer.",
            ["model"],
            buckets=_SHORT_SECONDS,
            registry=registry,
        )
        self.infer_slots = Gauge("weir_infer_slots", "Requests that the model takes at once.", registry=registry)
        self.infer_room = Gauge(
            "weir_infer_room_tokens", "Tokens that the model has memory for, prompts and answers.", registry=registry
        )
        self.infer_held = Gauge(
            "weir_infer_held_tokens", "Tokens of that which the requests in the model may come to.", registry=registry
        )
        self.infer_refusals = Counter(
            "weir_infer_refusals",
            "Requests that were next and had to wait, by what was short: slots, memory, or their app's limits.",
            ["reason"],
            registry=registry,
        )
        self.infer_running = Gauge("weir_infer_running", "Requests in the model.", registry=registry)
        self.infer_waiting = Gauge(
            "weir_infer_waiting", "Requests read that wait for the model, by lane.", ["lane"], registry=registry
        )
        self.infer_queue_seconds = Histogram(
            "weir_infer_queue_seconds",
            "From the arrival of some work on the broker to the model, by lane.",
            ["lane"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.prompt_tokens = Counter(
            "weir_infer_prompt_tokens", "Tokens of prompts that a model answered.", ["model"], registry=registry
        )
        self.remembered_tokens = Counter(
            "weir_infer_remembered_tokens",
            "Tokens of prompts that a model did not read again, for it remembered them from others of the app.",
            ["model"],
            registry=registry,
        )
        self.completion_tokens = Counter(
            "weir_infer_completion_tokens", "Tokens that a model made.", ["model"], registry=registry
        )
        # settle
        self.replies = Counter(
            "weir_replies", "Replies by status and by who answered.", ["status", "answered_by"], registry=registry
        )
        self.superseded = Counter(
            "weir_superseded", "Answers that came too late to count, by stage.", ["stage"], registry=registry
        )
        self.requests_known = Gauge(
            "weir_settle_requests", "Requests that settle remembers, by state.", ["state"], registry=registry
        )
        self.transaction_seconds = Histogram(
            "weir_settle_transaction_seconds", "Time of one transaction.", buckets=_SHORT_SECONDS, registry=registry
        )
        self.deadline_lateness = Histogram(
            "weir_deadline_lateness_seconds",
            "From a deadline to its reply.",
            buckets=_SHORT_SECONDS,
            registry=registry,
        )
        self.leading = Gauge("weir_settle_leading", "1 for the process that settles.", registry=registry)
        self.restores = Counter("weir_settle_restores", "Times that the state was read anew.", registry=registry)
        self._gateway(registry)
        self._monitor(registry)
        self._notify(registry)

    def _gateway(self, registry: CollectorRegistry) -> None:
        self.gateway_answers = Counter(
            "weir_gateway_answers", "Answers by route and HTTP status.", ["route", "status"], registry=registry
        )
        self.gateway_seconds = Histogram(
            "weir_gateway_seconds", "Time to answer, by route.", ["route"], buckets=_SECONDS, registry=registry
        )

    def _monitor(self, registry: CollectorRegistry) -> None:
        self.watching = Gauge("weir_monitor_leading", "1 for the process that watches.", registry=registry)
        self.readings = Counter("weir_monitor_readings", "Verdicts that the monitor has counted.", registry=registry)
        self.unwatched = Counter(
            "weir_monitor_unwatched",
            "Verdicts that are unreadable, no traffic or of another shard, and bins of apps that the rules failed on.",
            ["reason"],
            registry=registry,
        )
        self.passed_over = Gauge(
            "weir_monitor_passed_over",
            "Verdicts that came after their bin was closed (late), or had come before (repeated), until the last bin.",
            ["reason"],
            registry=registry,
        )
        self.bins_closed = Counter("weir_monitor_bins", "Bins closed.", registry=registry)
        self.alerts_told = Counter(
            "weir_monitor_alerts", "Alerts written, by app and state.", ["app", "state"], registry=registry
        )
        self.series_known = Gauge("weir_monitor_series", "Series by phase.", ["phase"], registry=registry)
        self.close_seconds = Histogram(
            "weir_monitor_close_seconds", "Time to close bins and write them.", buckets=_SECONDS, registry=registry
        )

    def _notify(self, registry: CollectorRegistry) -> None:
        self.consumer_lag = Gauge(
            "weir_consumer_lag_events", "Messages that a group has yet to do, by topic.", ["group", "topic"],
            registry=registry,
        )  # fmt: skip
        self.alerts = Gauge("weir_alerts", "Alerts that are not resolved, by state.", ["state"], registry=registry)
        self.notifications = Counter(
            "weir_notifications", "Notifications that ended, by target and outcome.", ["target", "outcome"],
            registry=registry,
        )  # fmt: skip
        self.notify_failures = Counter(
            "weir_notify_failures", "Tries to tell a target that failed.", ["target"], registry=registry
        )
        self.notify_outstanding = Gauge(
            "weir_notify_outstanding_alerts", "Alerts that a target is still to be told of.", ["target"],
            registry=registry,
        )  # fmt: skip
        self.notify_age = Gauge(
            "weir_notify_oldest_seconds", "For how long the oldest of them has been due.", ["target"],
            registry=registry,
        )  # fmt: skip
