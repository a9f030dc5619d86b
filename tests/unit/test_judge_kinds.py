"""Kinds of rules from other packages, found through a real entry point."""

import pytest

from judge_cases import DAILY, history
from lupus.judge import judge
from lupus.judge import rule as rule_module
from lupus.model import LupusError, RuleSpec, Status

MODULE = """
from lupus.judge import ThresholdRule

class Negative(ThresholdRule):
    def __init__(self, parameters):
        if parameters:
            raise ValueError("negative takes no parameters")
        super().__init__({"min": 0.0})

    def sentence(self, anomaly):
        return f"{anomaly.value:g} is negative"
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    (tmp_path / "someones_rules.py").write_text(MODULE)
    info = tmp_path / "someones_rules-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: someones-rules\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lupus.rules]\nnegative = someones_rules:Negative\n")
    monkeypatch.syspath_prepend(tmp_path)
    rule_module._installed.cache_clear()
    yield
    rule_module._installed.cache_clear()


@pytest.mark.usefixtures("installed")
def test_a_kind_from_another_package_judges():
    (verdict,) = judge(history([-2.0]), [RuleSpec("no debts", "negative")], DAILY, at=[0])
    assert (verdict.rule, verdict.status, verdict.sentence) == ("no debts", Status.ANOMALY, "-2 is negative")


@pytest.mark.usefixtures("installed")
def test_its_mistakes_are_told_like_our_own():
    with pytest.raises(LupusError, match=r"rule 'r' \(negative\): negative takes no parameters; correct"):
        judge(history([1.0]), [RuleSpec("r", "negative", parameters={"max": 1})], DAILY, at=[0])
    with pytest.raises(LupusError, match="did you mean 'negative'"):
        judge(history([1.0]), [RuleSpec("r", "negativ")], DAILY, at=[0])
