"""What is wrong with the examples: a line for each kind, with its rows, and a way out if safe."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from comparison.check_examples import check_examples
from comparison.exams.exam import read_exam
from comparison.exams.kept import list_exams
from comparison.exams.received import receive
from finetune_backend.examples.clean import Finding
from finetune_backend.examples.exposures import Exposures
from pages.shared.exam_import import EXAM_TYPES, row_tables, show_tables
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from workbench.values import Example

_MOST_ROWS = 500
_ICONS = {
    "held_out": ":material/quiz:",
    "without_text": ":material/remove_selection:",
    "repeated": ":material/content_copy:",
    "contradictions": ":material/call_split:",
    "cut_off": ":material/content_cut:",
    "other_language": ":material/language:",
    "too_long": ":material/straighten:",
    "masked": ":material/visibility_off:",
    "rarely_seen": ":material/hourglass_empty:",
}


def show_findings(
    examples: Sequence[Example], remove: Callable[[Sequence[int]], None], busy: bool
) -> None:
    """Show what is wrong with the examples.

    Args:
        examples: at least one.
        remove: takes rows away, given by their places.
        busy: examples are being written, and none can be removed.
    """
    st.subheader("What to look at")
    with sentences():
        held_out = _held_out()
        with st.spinner("Looking through the examples …"):
            checked = check_examples(get_lab(), examples, held_out)
        for warning in checked.warnings:
            st.warning(plain(warning), icon=":material/info:")
        for finding in checked.findings:
            _show(finding, examples, remove, busy)
        if not checked.findings:
            tested = " and none asks what the test asks" if held_out else ""
            st.success(f"No row needs a look{tested}.", icon=":material/check:")
        if checked.exposures:
            _show_exposures(checked.exposures)


def _held_out() -> list[str]:
    with st.popover("Compare with a test", icon=":material/quiz:"):
        st.caption(
            "An exam or held-out wordings: JSONL or CSV with “question” and “answers”. Examples "
            "that ask the same are found."
        )
        exams = {exam.name: exam.path for exam in list_exams(get_lab().home) if not exam.trouble}
        kept = st.selectbox("Exam", exams, index=None, key="held-out-kept") if exams else None
        file = st.file_uploader("A file", type=EXAM_TYPES, key="held-out")
    if file is None:
        return [one.question for one in read_exam(exams[kept])] if kept else []
    received = receive(file.getvalue(), file.name)
    show_tables(row_tables(received))
    return [one.question for one in received.questions]


def _show(
    finding: Finding,
    examples: Sequence[Example],
    remove: Callable[[Sequence[int]], None],
    busy: bool,
) -> None:
    with st.expander(plain(finding.sentence), icon=_ICONS[finding.kind]):
        shown = list(zip(finding.rows, finding.beside, strict=True))[:_MOST_ROWS]
        if len(shown) < len(finding.rows):
            st.caption(f"The first {len(shown)} of them:")
        st.dataframe(
            pd.DataFrame(
                [
                    (row + 1, examples[row].question, examples[row].answer, beside)
                    for row, beside in shown
                ],
                columns=["Row", "Question", "Answer", "Beside"],
            ),
            hide_index=True,
        )
        many = "this row" if len(finding.rows) == 1 else f"these {len(finding.rows):,} rows"
        if finding.removable and st.button(
            f"Remove {many}",
            key=f"remove-{finding.kind}",
            icon=":material/delete_sweep:",
            help="Undo brings them back.",
            disabled=busy,
        ):
            remove(finding.rows)


def _show_exposures(exposures: Exposures) -> None:
    said = f"With the preset each fact is seen {exposures.median:g} times (median)"
    with st.expander(said, icon=":material/bar_chart:"):
        st.caption(
            f"Each row is seen once in each of {exposures.epochs} epochs: a fact is seen as often "
            "as it has rows, times the epochs."
        )
        table = pd.DataFrame(exposures.facts, columns=["Times seen", "Facts"])
        st.dataframe(
            table,
            hide_index=True,
            width="content",
            column_config={
                "Facts": st.column_config.ProgressColumn(
                    format="%d", min_value=0, max_value=int(table["Facts"].max())
                )
            },
        )
