import pytest

from schemas.actions import Action
from schemas.errors import Code, ConfigError
from schemas.policy import Policy, PolicyBook, Rule
from schemas.policy_file import parse_policy
from streams.policies.files import read_policies, read_policy, shipped_policy

GOOD = """\
id: shop
version: 2
apps: [shop]
prompt:
  toxicity: {flag: 0.5, block: 0.9}
  pii:
    redact: 0.5
    labels:
      IP_ADDRESS: {flag: 0.5}
    ignore: [US_SSN]
response:
  relevance: {flag: 0.2, block: 0.05}
"""


def test_a_good_policy():
    """A policy reads as what it says."""
    policy = parse_policy(GOOD, "shop.yaml")
    assert (policy.id, policy.version, policy.apps) == ("shop", 2, ("shop",))
    assert policy.prompt["toxicity"].step_for(0.95, lower_is_worse=False).action is Action.BLOCK
    assert policy.prompt["toxicity"].step_for(0.5, lower_is_worse=False).action is Action.FLAG
    assert policy.prompt["toxicity"].step_for(0.49, lower_is_worse=False) is None
    assert policy.response["relevance"].step_for(0.04, lower_is_worse=True).action is Action.BLOCK
    assert policy.response["relevance"].step_for(0.2, lower_is_worse=True) is None
    assert policy.prompt["pii"].steps_for("IP_ADDRESS").ladder[0].action is Action.FLAG
    assert policy.prompt["pii"].steps_for("US_SSN") is None


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("version: 2", "vershun: 2", 1, "version: Field required"),
        ("version: 2", "version: two", 2, "version: Input should be a valid integer"),
        ("flag: 0.5, block: 0.9", "flag: 0.5, blok: 0.9", 5, "prompt.toxicity.blok: no such key; did you mean block?"),
        ("flag: 0.5, block: 0.9", "flag: 0.9, block: 0.5", 5, "a stricter action needs a more extreme threshold"),
        ("flag: 0.5, block: 0.9", "flag: 1.5", 5, "prompt.toxicity.flag: Input should be less than or equal to 1"),
        ("flag: 0.5, block: 0.9", "redact: 0.5", 5, "toxicity finds no spans to redact"),
        ("flag: 0.5, block: 0.9", "", 5, "needs at least one of allow, flag, redact, hold, block"),
        ("toxicity:", "relevance:", 5, "relevance does not read this side"),
        ("    redact: 0.5", "    redact: 0.5\n    redact: 0.6", 8, "'redact' is given twice"),
        ("      IP_ADDRESS: {flag: 0.5}", "      IP_ADDRESS: 0.5", 9, "prompt.pii.labels.IP_ADDRESS"),
        ("toxicity:", "toxicty:", 5, "; did you mean toxicity?"),
        ("apps: [shop]", "apps: shop", 3, "apps: Input should be a list"),
        ("apps: [shop]", "apps: [shop", 4, ""),
        ("apps: [shop]", "apps: [shop, 7]", 3, "apps.1"),
        ("apps: [shop]", "retention: {days: 14}", 3, "retention.days: Input should be greater than or equal to 15"),
        ("apps: [shop]", "retention: {days: 30.5}", 3, "retention.days: Input should be a valid integer"),
        ("apps: [shop]", "retention: {day: 30}", 3, "retention.day: no such key; did you mean days?"),
        ("apps: [shop]", "retention: 30", 3, "retention: "),
    ],
)
def test_faults_name_file_line_and_key(old, new, line, words):
    """A fault in a policy names the file, the line and the key."""
    with pytest.raises(ConfigError) as caught:
        parse_policy(GOOD.replace(old, new, 1), "shop.yaml")
    assert caught.value.code is Code.POLICY
    assert caught.value.message.startswith(f"shop.yaml:{line}:")
    assert words in caught.value.message


@pytest.mark.parametrize("text", ["", "3", "- a", "? [a]\n: b", "a: !!python/object:os.system {}", "\x00"])
def test_what_is_no_policy_is_refused(text):
    """A document that is no mapping, or no YAML, is a named fault."""
    with pytest.raises(ConfigError):
        parse_policy(text, "x.yaml")


@pytest.mark.parametrize("name", ["public-chatbot.yaml", "internal-copilot.yaml", "observe-only.yaml"])
def test_shipped_policies_are_good(name):
    """Every shipped policy loads, and its id is its file's name."""
    assert f"{shipped_policy(name).id}.yaml" == name


def test_the_default_policy_serves_the_app_default():
    """Without configuration, the app `default` is served and any other is unknown."""
    book = read_policies(None)
    assert book.for_app("default").id == "public-chatbot"
    assert book.for_app("other") is None


def test_the_observe_only_policy_changes_nothing():
    """No rule of the observe-only policy does more than flag."""
    policy = shipped_policy("observe-only.yaml")
    rules = [rule for side in ("prompt", "response", "context") for rule in policy.rules(side).values()]
    assert {step.action for rule in rules for step in rule.ladder} == {Action.FLAG}
    assert policy.too_long is Action.FLAG


def test_a_default_policy_serves_unknown_apps():
    """A policy marked as the default serves apps that no policy names."""
    named, default = Policy(id="a", version=1, apps=("a",)), Policy(id="b", version=1, default=True)
    book = PolicyBook([named, default])
    assert (book.for_app("a").id, book.for_app("z").id) == ("a", "b")


@pytest.mark.parametrize("pair", [{"apps": ("a",)}, {"default": True}])
def test_two_policies_for_one_app_are_refused(pair):
    """Which policy serves an app is never a matter of luck."""
    with pytest.raises(ConfigError):
        PolicyBook([Policy(id="a", version=1, **pair), Policy(id="b", version=1, **pair)])


def test_the_hash_covers_the_content():
    """Two policies that differ anywhere have different hashes; the same content always has the same."""
    one = parse_policy(GOOD, "a")
    assert one.reference == parse_policy(GOOD, "b").reference
    assert one.reference.hash != parse_policy(GOOD.replace("0.9", "0.91"), "a").reference.hash


def test_a_hash_outlives_a_new_version_of_weir():
    """Content that was pushed before policies could say how long things are kept has the hash that it had."""
    assert Policy(id="shop", version=1).reference.hash == "7d4e7bc56b70a944"
    kept = Policy(id="shop", version=1, retention={"days": 30})
    assert kept.reference.hash != "7d4e7bc56b70a944"
    assert kept.reference.hash != Policy(id="shop", version=1, retention={"days": 31}).reference.hash


@pytest.mark.parametrize(
    ("rule", "action"),
    [({"flag": 0.5}, "flag"), ({"flag": 0.5, "block": 0.9}, "block"), ({"redact": 0.5}, "flag"),
     ({"flag": 0.5, "block": 0.9, "on_error": "flag"}, "flag"), ({"hold": 0.5}, "hold")],
)  # fmt: skip
def test_a_failing_guard_blocks_where_it_may_block(rule, action):
    """A guard that may block or hold does so when it fails, unless the policy says otherwise; others flag."""
    assert Rule(**rule).error_action == action


def test_files_and_folders(tmp_path):
    """Policies are read from a file or from every YAML file of a folder; what is missing is named."""
    (tmp_path / "shop.yaml").write_text(GOOD)
    assert read_policies(tmp_path).for_app("shop").version == 2
    assert read_policies(tmp_path / "shop.yaml").for_app("shop").version == 2
    with pytest.raises(ConfigError, match="No such file"):
        read_policy(tmp_path / "none.yaml")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no policy"):
        read_policies(tmp_path / "empty")
