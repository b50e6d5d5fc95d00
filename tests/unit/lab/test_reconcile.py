"""Payments and acknowledged orders."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.lab.kit.chain import TABLE, append
from steersman.lab.reconcile import Anchor, Row, read_orders, read_rows, reconcile


def paid(count: int, *, amount: int = 100) -> list[Row]:
    rows: list[Row] = []
    before = ""
    for seq in range(1, count + 1):
        row = Row(seq=seq, order_id=f"o{seq}", customer="c", amount=amount, points=1, code="x", chain="")
        row = row.model_copy(update={"chain": row.link_after(before)})
        rows.append(row)
        before = row.chain
    return rows


def acknowledged(count: int, *, amount: int = 100) -> list[tuple[str, int]]:
    return [(f"o{seq}", amount) for seq in range(1, count + 1)]


def test_what_agrees_is_reconciled() -> None:
    found = reconcile(acknowledged(5), paid(5), None)
    assert found.reconciled
    assert found.orders == 5


def test_a_payment_that_nobody_has_heard_of_yet_is_no_fault() -> None:
    assert reconcile(acknowledged(4), paid(5), None).reconciled


def test_an_order_without_payment_is_lost() -> None:
    found = reconcile(acknowledged(6), paid(5), None)
    assert (found.reconciled, found.lost) == (False, 1)


def test_another_amount_is_altered() -> None:
    found = reconcile([("o1", 99)], paid(3), None)
    assert (found.reconciled, found.altered) == (False, 1)


def test_an_order_paid_twice_is_duplicated() -> None:
    rows = paid(3)
    again = rows[0].model_copy(update={"seq": 4})
    again = again.model_copy(update={"chain": again.link_after(rows[-1].chain)})
    found = reconcile(acknowledged(3), [*rows, again], None)
    assert (found.reconciled, found.duplicated) == (False, 1)


@given(st.integers(2, 12), st.data())
def test_any_change_of_an_earlier_row_is_found(count: int, data: st.DataObject) -> None:
    rows = paid(count)
    at = data.draw(st.integers(0, count - 1))
    change = data.draw(
        st.sampled_from([{"customer": "d"}, {"points": 2}, {"code": "y"}, {"chain": "0" * 64}, {"seq": 99}])
    )
    rows[at] = rows[at].model_copy(update=change)
    assert not reconcile(acknowledged(count), rows, None).reconciled


@given(st.integers(2, 12), st.data())
def test_a_deleted_row_is_found(count: int, data: st.DataObject) -> None:
    rows = paid(count)
    anchor = Anchor(seq=rows[-1].seq, chain=rows[-1].chain)
    del rows[data.draw(st.integers(0, count - 1))]
    assert not reconcile([], rows, anchor).reconciled


def test_a_chain_that_was_written_anew_is_found_by_the_anchor() -> None:
    rows = paid(4)
    anchor = Anchor(seq=4, chain=rows[-1].chain)
    assert reconcile([], paid(6), anchor).reconciled
    assert not reconcile([], paid(6, amount=1), anchor).reconciled


def test_rows_of_a_real_database_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "payments.sqlite"
    connection = sqlite3.connect(file)
    connection.execute(TABLE)
    for number in (1, 2, 2):
        append(connection, order_id=f"o{number}", customer="c", amount=100, points=1, code="x")
    connection.commit()
    connection.close()
    found = reconcile(acknowledged(2), read_rows(file), None)
    assert found.reconciled
    assert len(read_rows(file)) == 2


@pytest.mark.parametrize(("text", "count"), [("", 0), ("o1\t5\n", 1), ("o1\t5\no2\t7", 1), ("o1\t5\no2\t", 1)])
def test_a_line_that_is_still_being_written_is_left_out(tmp_path: Path, text: str, count: int) -> None:
    ledger = tmp_path / "orders.tsv"
    ledger.write_text(text)
    assert len(read_orders(ledger)) == count
