"""The names of spans' attributes, once: OpenTelemetry's for generative AI, its drafts for guardrails, and our own."""

from typing import Final

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
CONVERSATION: Final = "gen_ai.conversation.id"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_SEED: Final = "gen_ai.request.seed"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"

EVALUATION: Final = "gen_ai.evaluation.result"
EVALUATION_NAME: Final = "gen_ai.evaluation.name"
EVALUATION_SCORE: Final = "gen_ai.evaluation.score.value"
EVALUATION_LABEL: Final = "gen_ai.evaluation.score.label"

GUARD_COMPONENT: Final = "gen_ai.guardrail.component.name"
GUARD_POLICY: Final = "gen_ai.guardrail.policy.id"
GUARD_POLICY_VERSION: Final = "gen_ai.guardrail.policy.version"
GUARD_RESULT: Final = "gen_ai.guardrail.result.type"
GUARD_RISK: Final = "gen_ai.guardrail.risk.category"
GUARD_RISK_SCORE: Final = "gen_ai.guardrail.risk.score"

SYSTEM: Final = "messaging.system"
DESTINATION: Final = "messaging.destination.name"
ERROR: Final = "error.type"

APP: Final = "weir.app"
ARM: Final = "weir.arm"
ANSWERED_BY: Final = "weir.answered_by"
GUARD_SECONDS: Final = "weir.guard.seconds"
QUEUE_SECONDS: Final = "weir.queue.seconds"
STATUS: Final = "weir.status"

WEIR: Final = "weir"
KAFKA: Final = "kafka"
CHAT: Final = "chat"
