"""docs/plots from what the simulations wrote."""

import json
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from monitors.alarms.series import lanes, step
from monitors.sequences.betting import betting, extend, limits
from tests.simulations.alarms import watched
from tests.simulations.delays import BUDGET
from tests.simulations.traffic import REFERENCE_HOURS, Truth, bins, conversations, step_shift

PLOTS = Path("docs/plots")
_STYLE = {"svg.fonttype": "none", "svg.hashsalt": "weir", "font.size": 9, "axes.spines.top": False,
          "axes.spines.right": False, "figure.figsize": (6.4, 3.0), "legend.frameon": False}  # fmt: skip


def _save(figure, name: str) -> None:
    PLOTS.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def coverage(results: Path) -> None:
    """Cover of 95% intervals against prevalence, 500 reviews."""
    cells = [c for c in json.loads((results / "coverage.json").read_text())["cells"] if c["read"] == 500]
    figure, axes = plt.subplots()
    for method in ("MOVER (share_of_all)", "exact, Bonferroni (guaranteed)", "Clopper-Pearson", "Wilson",
                   "Horvitz-Thompson, normal"):  # fmt: skip
        rows = [c for c in cells if c["method"] == method]
        axes.plot([c["prevalence"] for c in rows], [100 * c["covered"] for c in rows], marker="o", ms=3, label=method)
    axes.axhline(95, color="black", lw=0.6, ls=":")
    axes.set(xscale="log", xlabel="prevalence", ylabel="truth held, %", ylim=(40, 101))
    axes.legend(fontsize=7, loc="lower right")
    _save(figure, "coverage")


def runs(results: Path) -> None:
    """How many clean series have paged by which day, beside what the budget allows."""
    figure, axes = plt.subplots()
    for run in json.loads((results / "runs.json").read_text()):
        paged = [length for length in run["lengths"] if length < run["cut_at"]]
        share = 1 - np.arange(len(paged) + 1) / run["runs"]
        axes.step([0, *paged], share, where="post", label=f"{run['runs']} clean series, wander {run['wander']}")
        days = np.linspace(0, run["cut_at"], 100)
        axes.plot(days, np.exp(-days / 90), color="black", lw=0.7, ls=":", label="one page in 90 days, at random")
    axes.set(xlabel="days", ylabel="share without a page", ylim=(0, 1.02))
    axes.legend(fontsize=7)
    _save(figure, "runs")


def delays(results: Path) -> None:
    """Median hours to the page by shift and method; the top line is 'fewer than half in 30 days'."""
    table = json.loads((results / "delays.json").read_text())["at_budget"]["delays"]
    figure, axes = plt.subplots()
    for method in next(iter(table.values())):
        values = [min(720.0, table[shift][method]["median"]) for shift in table]
        ours = method == "F + S"
        axes.plot(list(table), values, marker="o", ms=4 if ours else 3, lw=2 if ours else 0.9, label=method,
                  color="black" if ours else None)  # fmt: skip
    axes.set(yscale="log", ylabel="median hours to page")
    axes.axhline(720, color="grey", lw=0.6, ls=":")
    axes.legend(fontsize=7, loc="lower left")
    _save(figure, "delays")


def sequence(_: Path) -> None:
    """One stream at 5%: the interval that holds at every look, and Wald's."""
    hits = np.random.default_rng(11).random(20_000) < 0.05
    state, looks = betting(), np.unique(np.logspace(1, np.log10(20_000), 60).astype(int))
    found, before = [], 0
    for look in looks:
        state, before = extend(state, hits[before:look]), look
        found.append(limits(state))
    share = np.cumsum(hits)[looks - 1] / looks
    reach = 1.96 * np.sqrt(share * (1 - share) / looks)
    figure, axes = plt.subplots()
    axes.fill_between(looks, [i.low for i in found], [i.high for i in found], alpha=0.25, label="betting, every look")
    axes.plot(looks, share - reach, color="C1", lw=0.9, label="Wald, one look")
    axes.plot(looks, share + reach, color="C1", lw=0.9)
    axes.axhline(0.05, color="black", lw=0.6, ls=":")
    axes.set(xscale="log", ylim=(0, 0.2), xlabel="events", ylabel="share")
    axes.legend(fontsize=7)
    _save(figure, "sequence")


def evidence(_: Path) -> None:
    """One series: the evidence of both lanes before and after a shift by two points."""
    hours = REFERENCE_HOURS + 28 * 24
    onset = REFERENCE_HOURS + 21 * 24
    shift = step_shift(hours, onset, 0.02)
    stream = bins(conversations(Truth(), hours, np.random.default_rng([1, 5]), shift), hours)
    watch, rows = watched(stream, BUDGET, "plot"), []
    for found in stream[REFERENCE_HOURS:]:
        watch, page = step(watch, found)
        rows.append([max(value, 1e-4) for value in lanes(watch.state).values()])
        if page:
            break
    days = np.arange(1, len(rows) + 1) / 24
    figure, axes = plt.subplots()
    for place, name in enumerate(("fast", "sensitive")):
        axes.plot(days, [row[place] for row in rows], lw=0.9, label=f"{name} lane")
    axes.axhline(BUDGET, color="black", lw=0.6, ls=":", label="threshold of 50 series")
    axes.axvline((onset - REFERENCE_HOURS) / 24, color="grey", lw=0.6, label="+2 points")
    axes.set(yscale="log", xlabel="days watched", ylabel="evidence")
    axes.legend(fontsize=7, loc="upper left")
    _save(figure, "evidence")


def draw(results: Path) -> list[str]:
    """Every plot whose figures are there."""
    drawn = []
    for plot, needs in ((coverage, "coverage"), (runs, "runs"), (delays, "delays"), (sequence, None), (evidence, None)):
        if needs is None or (results / f"{needs}.json").exists():
            with mpl.rc_context(_STYLE):
                plot(results)
            drawn.append(plot.__name__)
    return drawn
