"""Tables of what the secrets guard finds and what it leaves alone.

No example stands here as it would in a leak: each is put together from parts at run time, so that scanners of
repositories have nothing to find.
"""

import random
import socket
import string

import pytest

from guards import patterns
from guards.guard import Passage, Side
from guards.secrets import SecretsGuard
from guards.secrets.catalog import parse
from guards.secrets.credibility import shannon_entropy
from schemas.errors import ConfigError
from tests.fixtures.styles import bold, wide

HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
BASE62 = string.ascii_letters + string.digits
BASE32 = string.ascii_uppercase + "234567"


def made(alphabet, length):
    """The same random-looking characters in every run; every other one a letter, then a digit near the front."""
    chosen = random.Random(f"{alphabet}{length}").choices(alphabet, k=length)
    if length > 3 and set(alphabet) >= {"a", "4"}:
        chosen[1:3] = "a4"
    return "".join(chosen)


PEM_BODY = "\n".join(made(BASE62 + "+/", 64) for _ in range(5))

# label, what stands before the secret, the parts of the secret, what stands after it
POSITIVES = [
    ("AWS_ACCESS_KEY", "id ", ["AKIA", made(BASE32, 16)], "."),
    ("AWS_ACCESS_KEY", "id ", ["ASIA", made(BASE32, 16)], ""),
    ("AWS_SECRET_KEY", "aws_secret_access_key = ", [made(BASE62 + "/+", 40)], "\n"),
    ("AWS_BEDROCK_KEY", "", ["ABSK", made(BASE62, 128)], ""),
    ("GCP_API_KEY", "key=", ["AIza", made(BASE62, 35)], "&q=x"),
    ("GCP_OAUTH_SECRET", "", ["GOCSPX", "-", made(BASE62, 28)], ""),
    ("GCP_OAUTH_TOKEN", "", ["ya29", ".", made(BASE62, 60)], ""),
    ("AZURE_STORAGE_KEY", "DefaultEndpointsProtocol=https;AccountKey=", [made(BASE62 + "+/", 86), "=="], ";"),
    ("AZURE_SHARED_ACCESS_KEY", "Endpoint=sb://x/;SharedAccessKey=", [made(BASE62, 43), "="], ""),
    ("AZURE_SAS_TOKEN", "https://a.blob.core.windows.net/c?sv=2022&sig=", [made(BASE62, 43), "%3D"], ""),
    ("AZURE_CLIENT_SECRET", "secret ", [made(BASE62, 3), "8Q~", made(BASE62, 34)], " "),
    ("AZURE_DEVOPS_TOKEN", "", [made(BASE62, 76), "AZDO", made(BASE62, 4)], ""),
    ("GITHUB_TOKEN", "", ["ghp", "_", made(BASE62, 36)], ""),
    ("GITHUB_TOKEN", "", ["github", "_pat_", made(BASE62, 22), "_", made(BASE62, 59)], ""),
    ("GITLAB_TOKEN", "", ["glpat", "-", made(BASE62, 20)], ""),
    ("ATLASSIAN_TOKEN", "", ["ATATT3", made(BASE62, 180), "=", made(UPPER, 8)], ""),
    ("SLACK_TOKEN", "", ["xoxb", "-", "123456789012-", made(BASE62, 24)], ""),
    (
        "SLACK_WEBHOOK",
        "https://",
        ["hooks.slack.com", "/services/T", made(UPPER, 9), "/B", made(UPPER, 9), "/", made(BASE62, 24)],
        "",
    ),
    ("STRIPE_KEY", "", ["sk", "_live_", made(BASE62, 24)], ""),
    ("STRIPE_KEY", "", ["rk", "_test_", made(BASE62, 24)], ""),
    ("WEBHOOK_SECRET", "", ["whsec", "_", made(BASE62, 32)], ""),
    ("OPENAI_API_KEY", "my key: ", ["sk", "-", made(BASE62, 48)], ""),
    ("OPENAI_API_KEY", "", ["sk", "-proj-", made(BASE62 + "_-", 120)], " "),
    ("ANTHROPIC_API_KEY", "", ["sk", "-ant-", "api03-", made(BASE62 + "_-", 93), "AA"], ""),
    ("OPENROUTER_API_KEY", "", ["sk", "-or-v1-", made(HEX, 64)], ""),
    ("HUGGINGFACE_TOKEN", "", ["hf", "_", made(string.ascii_letters, 34)], ""),
    ("GROQ_API_KEY", "", ["gsk", "_", made(BASE62, 52)], ""),
    ("REPLICATE_TOKEN", "", ["r8", "_", made(BASE62, 37)], ""),
    ("PERPLEXITY_API_KEY", "", ["pplx", "-", made(BASE62, 48)], ""),
    ("XAI_API_KEY", "", ["xai", "-", made(BASE62, 80)], ""),
    ("LANGSMITH_KEY", "", ["lsv2", "_pt_", made(HEX, 32), "_", made(HEX, 10)], ""),
    ("NPM_TOKEN", "//registry/:_authToken=", ["npm", "_", made(BASE62, 36)], ""),
    ("PYPI_TOKEN", "", ["pypi", "-AgE", made(BASE62, 150)], ""),
    ("RUBYGEMS_KEY", "", ["rubygems", "_", made(HEX, 48)], ""),
    ("DOCKER_TOKEN", "", ["dckr", "_pat_", made(BASE62, 27)], ""),
    ("SENDGRID_KEY", "", ["SG", ".", made(BASE62, 22), ".", made(BASE62, 43)], ""),
    ("TWILIO_KEY", "", ["SK", made(HEX, 32)], ""),
    ("TWILIO_KEY", "TWILIO_AUTH_TOKEN=", [made(HEX, 32)], ""),
    ("MAILGUN_KEY", "", ["key", "-", made(HEX, 32)], ""),
    ("MAILCHIMP_KEY", "", [made(HEX, 32), "-us", "14"], ""),
    ("BREVO_KEY", "", ["xkeysib", "-", made(HEX, 64), "-", made(BASE62, 16)], ""),
    ("TELEGRAM_BOT_TOKEN", "bot ", ["123456789", ":AA", made(BASE62, 33)], ""),
    ("DISCORD_BOT_TOKEN", "discord ", ["M", made(BASE62, 25), ".", made(BASE62, 6), ".", made(BASE62, 38)], ""),
    ("DISCORD_WEBHOOK", "https://", ["discord.com", "/api/webhooks/", "123456789012345678/", made(BASE62, 68)], ""),
    (
        "TEAMS_WEBHOOK",
        "https://",
        [
            "acme",
            ".webhook.office.com/webhookb2/",
            made(HEX, 36),
            "@",
            made(HEX, 36),
            "/IncomingWebhook/",
            made(HEX, 32),
            "/",
            made(HEX, 36),
        ],
        "",
    ),
    ("FACEBOOK_TOKEN", "", ["EAA", made(BASE62, 150)], ""),
    ("SHOPIFY_TOKEN", "", ["shpat", "_", made(HEX, 32)], ""),
    ("SQUARE_TOKEN", "", ["sq0", "csp-", made(BASE62, 43)], ""),
    ("PAYPAL_BRAINTREE_TOKEN", "", ["access_token", "$production$", made(LOWER, 16), "$", made(HEX, 32)], ""),
    ("RAZORPAY_KEY", "", ["rzp", "_live_", made(BASE62, 14)], ""),
    ("DIGITALOCEAN_TOKEN", "", ["dop", "_v1_", made(HEX, 64)], ""),
    ("HEROKU_KEY", "", ["HRKU", "-", made(BASE62, 58)], ""),
    ("FLY_TOKEN", "", ["fo1", "_", made(BASE62, 43)], ""),
    ("NETLIFY_TOKEN", "", ["nfp", "_", made(BASE62, 36)], ""),
    ("SUPABASE_TOKEN", "", ["sbp", "_", made(HEX, 40)], ""),
    ("CLOUDFLARE_TOKEN", "CLOUDFLARE_API_TOKEN=", [made(BASE62, 40)], ""),
    ("DATABRICKS_TOKEN", "", ["dapi", made(HEX, 32)], ""),
    ("DOPPLER_TOKEN", "", ["dp", ".pt.", made(BASE62, 43)], ""),
    ("GRAFANA_TOKEN", "", ["glsa", "_", made(BASE62, 32), "_", made(HEX, 8)], ""),
    ("VAULT_TOKEN", "", ["hvs", ".", made(BASE62, 90)], ""),
    ("TERRAFORM_TOKEN", "", [made(BASE62, 14), ".atlasv1.", made(BASE62, 67)], ""),
    ("PULUMI_TOKEN", "", ["pul", "-", made(HEX, 40)], ""),
    ("LINEAR_KEY", "", ["lin", "_api_", made(BASE62, 40)], ""),
    ("NOTION_TOKEN", "", ["ntn", "_", "12345678901", made(BASE62, 35)], ""),
    ("NEW_RELIC_KEY", "", ["NRAK", "-", made(UPPER, 27)], ""),
    ("PLANETSCALE_TOKEN", "", ["pscale", "_tkn_", made(BASE62, 43)], ""),
    ("POSTMAN_KEY", "", ["PMAK", "-", made(HEX, 24), "-", made(HEX, 34)], ""),
    ("SENTRY_TOKEN", "", ["sntryu", "_", made(HEX, 64)], ""),
    ("SONAR_TOKEN", "", ["sqp", "_", made(HEX, 40)], ""),
    ("TAILSCALE_KEY", "", ["tskey", "-auth-", made(BASE62, 12), "-", made(BASE62, 32)], ""),
    ("FIGMA_TOKEN", "", ["figd", "_", made(BASE62, 40)], ""),
    ("AIRTABLE_TOKEN", "", ["pat", made(BASE62, 14), ".", made(HEX, 64)], ""),
    ("DROPBOX_TOKEN", "", ["sl", ".", made(BASE62, 140)], ""),
    ("DYNATRACE_TOKEN", "", ["dt0", "c01.", made(UPPER, 24), ".", made(UPPER, 64)], ""),
    ("AGE_SECRET_KEY", "", ["AGE-SECRET", "-KEY-1", made("023456789ACDEFGHJKLMNPQRSTUVWXYZ", 58)], ""),
    (
        "PRIVATE_KEY",
        "key:\n",
        ["-----BEGIN RSA ", "PRIVATE KEY-----\n", PEM_BODY, "\n-----END RSA ", "PRIVATE KEY-----"],
        "\nbye",
    ),
    ("PRIVATE_KEY", "cut: ", ["-----BEGIN OPENSSH ", "PRIVATE KEY-----\\n", PEM_BODY.replace("\n", "\\n")], ""),
    ("JWT", "", ["eyJ", made(BASE62, 33), ".eyJ", made(BASE62, 70), ".", made(BASE62, 43)], ""),
    ("DATABASE_URL", "use ", ["postgres", "://app:", "s3cr3tPw@db.internal:5432/app"], " please"),
    ("DATABASE_URL", "", ["mongodb", "+srv://app:", "Zk8!pq2@cluster0.mongodb.net"], ""),
    ("BASIC_AUTH_URL", "curl ", ["https", "://bob:", "hunter22@intra.net/x"], " -v"),
    ("AUTHORIZATION_HEADER", "Authorization: Basic ", ["Ym9iOmh1bnRl", "cjIyMjIyMjI="], "\r\n"),
    ("BEARER_TOKEN", "send Bearer ", [made(BASE62, 40)], " with it"),
    ("PASSWORD", "my password is ", ["hunter", "2!"], " ok"),
    ("PASSWORD", "password=", ["Tr0ub", "4dor&3"], ""),
    ("PASSWORD", '{"password": "', ["S0mmer", "2024"], '"}'),
    ("PASSWORD", "Mot de passe : ", ["Soleil", "2024!"], ""),
    ("PASSWORD", "mein Passwort ist ", ["Geheim", "99"], ", ja"),
    ("PASSWORD", "密码\uff1a", ["abc", "12345"], ""),
    ("GENERIC_SECRET", 'api_key = "', [made(BASE62, 32)], '"'),
    ("GENERIC_SECRET", "x-api-key: ", [made(HEX, 32)], ""),
    ("GENERIC_SECRET", "client secret: ", [made(BASE62, 24)], ""),
]

NEGATIVES = [
    "",
    "550e8400-e29b-41d4-a716-446655440000",
    "token: 550e8400-e29b-41d4-a716-446655440000",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "sha256:" + made(HEX, 64),
    "data:image/png;base64," + made(BASE62 + "+/", 4_000),
    "api_key = YOUR_API_KEY",
    "api_key: your-api-key-goes-here-123",
    "token=<token>",
    "password=${SECRET}",
    "password: {{ vault_password_1 }}",
    "password=********",
    "API_KEY=" + "x" * 32,
    "AKIA" + "IOSFODNN7" + "EXAMPLE",
    "password = os.environ['DB_PASSWORD_1']",
    "password: str = Field(min_length=8)",
    "if password == other_password: return",
    "Your password must be at least 8 characters long.",
    "Password: 8-20",
    "I forgot my password, is there a way to reset it?",
    "The secret is to whisk the eggs for 10 minutes.",
    "The token is passed to the model as is.",
    "key: value, secret: none, token: null",
    "https://user:password@localhost/",
    "postgres://postgres:postgres@localhost/app",
    "https://example.com:8080/a@b",
    "A PEM file starts with -----BEGIN " + "PRIVATE KEY----- and the base64 follows.",
    "-----BEGIN " + "PRIVATE KEY-----\n...\n-----END " + "PRIVATE KEY-----",
    "-----BEGIN CERTIFICATE-----\n" + PEM_BODY + "\n-----END CERTIFICATE-----",
    "the sk-learn package, sk-" + "a" * 40,
    "hf_hub_download and npm_config_registry and pypi-server",
    "<PASSWORD> password=<PASSWORD> api_key: <GENERIC_SECRET>",
    "bearer of bad news and authorization: bearer",
]


@pytest.fixture(scope="module")
def guard():
    loaded = SecretsGuard()
    loaded.load()
    return loaded


def found(guard, text):
    [reading] = guard.read([Passage(text, Side.PROMPT)], {})
    return [(hit.label, text[hit.start : hit.end]) for hit in reading.hits]


@pytest.mark.parametrize(("label", "before", "parts", "after"), POSITIVES, ids=[row[0] for row in POSITIVES])
def test_finds(guard, label, before, parts, after):
    """Each kind of secret is found with its exact span."""
    secret = "".join(parts)
    assert (label, secret) in found(guard, before + secret + after)


@pytest.mark.parametrize("style", [wide, bold])
@pytest.mark.parametrize("before", ["my key: ", "鍵" + wide(":"), "😀 "], ids=["english", "japanese", "emoji"])
def test_style_hides_nothing(guard, before, style):
    """A secret in full width, or in a mathematical alphabet, is found where it stands."""
    secret = style("".join(["sk", "_live_", made(BASE62, 24)]))
    assert ("STRIPE_KEY", secret) in found(guard, before + secret + " now")


def test_every_kind_has_an_example():
    """No kind stands in the data file without an example here; there are at least forty."""
    labels = {row["label"] for row in patterns.read("secrets.toml").tables["secret"]}
    assert labels == {row[0] for row in POSITIVES}
    assert len(labels) >= 40


@pytest.mark.parametrize("text", NEGATIVES)
def test_leaves_alone(guard, text):
    """Identifiers, hashes, images, placeholders, code and prose are no secrets."""
    assert found(guard, text) == []


@pytest.mark.parametrize("before", ["", "\ud83d", "😀😀 ", "\x00", "שלום ", "e\u0301", "\U0010ffff"])
def test_offsets_are_code_points_of_the_original(guard, before):
    """Spans come from bytes and are told in code points, also behind emoji and lone surrogates, hit after hit."""
    tokens = ["ghp_" + made(BASE62, 36), "gho_" + made(LOWER, 36)]
    text = f"{before} {tokens[0]} é😀\udfff {tokens[1]} 😀"
    assert found(guard, text) == [("GITHUB_TOKEN", token) for token in tokens]


def test_the_specific_kind_wins(guard):
    """A key assigned to a generic name is reported once, by its issuer."""
    key = "sk" + "-ant-" + "api03-" + made(BASE62, 60)
    assert found(guard, f"api_key={key}") == [("ANTHROPIC_API_KEY", key)]


def test_a_batch_reads_like_its_texts(guard):
    """Reading many passages at once gives what reading each alone gives."""
    passages = [Passage(row[1] + "".join(row[2]) + row[3], Side.RESPONSE) for row in POSITIVES]
    assert list(guard.read(passages, {})) == [guard.read([passage], {})[0] for passage in passages]


@pytest.mark.parametrize(
    "unit", ["a", "😀", "\x00", "\ud800", "password=", "eyJ", "-----BEGIN ", "://a:", "sk-", "key: "]
)
def test_odd_texts_are_read(guard, unit):
    """Huge, monotonous and broken texts are read to the end."""
    secret = "ghp_" + made(BASE62, 36)
    text = unit * (1_000_000 // len(unit)) + " \n" + secret
    assert ("GITHUB_TOKEN", secret) in found(guard, text)


def test_loading_and_reading_open_no_socket(monkeypatch):
    """The guard works on a machine without a network."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    offline = SecretsGuard()
    offline.load()
    assert found(offline, "password=" + "Tr0ub4dor") == [("PASSWORD", "Tr0ub4dor")]


def test_every_side_and_role(guard):
    """The guard applies to every passage and needs no encoder."""
    passages = [Passage("x", side, role) for side in Side for role in ("user", "system", "assistant", "tool")]
    assert all(guard.applies(passage) and not guard.needs(passage) for passage in passages)


def test_unloaded_guard_says_so():
    """Reading before loading is a bug, not an empty reading."""
    with pytest.raises(RuntimeError, match="not loaded"):
        SecretsGuard().read([Passage("x", Side.PROMPT)], {})


KIND = {"label": "X", "description": "an x", "pattern": "x", "keywords": ["x"], "score": 0.5}


@pytest.mark.parametrize(
    ("tables", "field"),
    [
        ({"secret": [KIND], "placeholders": []}, "placeholder_words"),
        ({"secret": [{**KIND, "colour": 1}], "placeholders": [], "placeholder_words": []}, "colour"),
        ({"secret": [{"label": "X"}], "placeholders": [], "placeholder_words": []}, "description"),
        ({"secret": [{**KIND, "pattern": "(?=x)"}], "placeholders": [], "placeholder_words": []}, "pattern"),
    ],
)
def test_a_faulty_kind_names_its_key(tables, field):
    """A pattern file that cannot be used is refused, naming the key."""
    with pytest.raises(ConfigError) as caught:
        parse(tables)
    assert caught.value.field == field


@pytest.mark.parametrize(("text", "bits"), [("", 0), ("aaaa", 0), ("abab", 1), ("abcd", 2)])
def test_shannon_entropy(text, bits):
    """Entropy is in bits a character."""
    assert shannon_entropy(text) == bits
