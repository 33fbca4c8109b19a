"""Tasks and the money they move, on both databases; nobody works on them here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from avatarium.database import Database
from avatarium.errors import BusyError, ConflictError, NotFoundError, TooFewCoinsError
from avatarium.prices import Price
from avatarium.tasks import notices
from avatarium.tasks.states import State
from tests.support.families import FAMILY
from tests.support.office import Office


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return Office(database, tmp_path)


def test_a_task_is_paid_and_queued_when_it_is_accepted(office: Office) -> None:
    ann = office.user()
    task = office.submit(ann, coins=30)
    assert office.balance(ann) == 70
    assert office.paper.queued == [f"{task.id}.1"]
    assert office.tasks.get(ann.user_id, FAMILY, task.id).state is State.INITIALIZED


def test_too_few_coins_leave_nothing_behind(office: Office) -> None:
    ann = office.user(coins=29)
    with pytest.raises(TooFewCoinsError, match="30 coins.*29"):
        office.submit(ann, coins=30)
    assert office.balance(ann) == 29
    assert office.tasks.page(ann.user_id, FAMILY) == ([], 0)
    assert not office.paper.queued


def test_a_queue_that_refuses_costs_nothing(office: Office) -> None:
    ann = office.user()
    office.paper.broken = True
    with pytest.raises(RuntimeError):
        office.submit(ann)
    assert office.balance(ann) == 100
    assert office.tasks.page(ann.user_id, FAMILY)[1] == 0


def test_the_same_idempotency_key_gives_the_same_task_and_costs_once(office: Office) -> None:
    ann = office.user()
    first = office.submit(ann, key="k", coins=30)
    assert office.submit(ann, key="k", coins=30).id == first.id
    assert office.balance(ann) == 70
    assert len(office.paper.queued) == 1


def test_an_idempotency_key_for_another_request_is_refused(office: Office) -> None:
    ann = office.user()
    office.submit(ann, key="k", coins=30)
    with pytest.raises(ConflictError, match="Idempotency-Key"):
        office.submit(ann, key="k", coins=31)


def test_two_users_may_use_the_same_idempotency_key(office: Office) -> None:
    ann, bob = office.user("ann"), office.user("bob")
    assert office.submit(ann, key="k").id != office.submit(bob, key="k").id


def test_nobody_sees_or_touches_the_tasks_of_others(office: Office) -> None:
    ann, bob = office.user("ann"), office.user("bob")
    task = office.submit(ann)
    for look in (office.tasks.get, office.tasks.cancel, office.tasks.delete):
        with pytest.raises(NotFoundError):
            look(bob.user_id, FAMILY, task.id)
    with pytest.raises(NotFoundError):
        office.tasks.retry(bob, FAMILY, task.id)
    with pytest.raises(NotFoundError):
        office.tasks.find(bob.user_id, task.id)
    assert office.tasks.many(bob.user_id, FAMILY, [task.id]) == []
    assert office.tasks.page(bob.user_id, FAMILY) == ([], 0)
    assert office.tasks.get(ann.user_id, FAMILY, task.id).state is State.INITIALIZED


@pytest.mark.parametrize("first", [State.COMPLETED, State.FAILED, State.CANCELLED])
@pytest.mark.parametrize("second", [State.COMPLETED, State.FAILED, State.CANCELLED])
def test_a_task_ends_once_and_is_settled_once(office: Office, first: State, second: State) -> None:
    ann = office.user()
    task = office.submit(ann, coins=30)
    assert office.tasks.finish(task, first)
    assert not office.tasks.finish(task, second)
    ended = office.tasks.get(ann.user_id, FAMILY, task.id)
    assert ended.state is first
    assert office.balance(ann) == (70 if first is State.COMPLETED else 100)
    assert ended.charged == (30 if first is State.COMPLETED else 0)


@pytest.mark.parametrize(("measured", "left"), [(10, 90), (30, 70), (100, 0), (0, 100)])
def test_the_measured_price_takes_the_place_of_the_estimate(office: Office, measured: int, left: int) -> None:
    ann = office.user()
    task = office.submit(ann, coins=30)
    office.tasks.reprice(task, Price(measured))
    office.tasks.finish(task, State.COMPLETED)
    assert office.balance(ann) == left
    assert office.tasks.get(ann.user_id, FAMILY, task.id).charged == measured


def test_a_measured_price_beyond_the_balance_is_refused_and_all_comes_back(office: Office) -> None:
    ann = office.user()
    task = office.submit(ann, coins=30)
    with pytest.raises(TooFewCoinsError):
        office.tasks.reprice(task, Price(101))
    office.tasks.finish(task, State.FAILED)
    assert office.balance(ann) == 100


def test_measuring_twice_takes_once(office: Office) -> None:
    ann = office.user()
    task = office.submit(ann, coins=30)
    for _ in range(2):
        task = office.tasks.reprice(task, Price(50))
    assert office.balance(ann) == 50


def test_a_free_task_needs_no_coins(office: Office) -> None:
    ann = office.user(coins=0)
    task = office.submit(ann, coins=0)
    assert office.tasks.finish(task, State.COMPLETED)
    assert office.balance(ann) == 0


def test_a_failed_task_is_tried_again_at_its_price(office: Office) -> None:
    ann = office.user()
    task = office.submit(ann, coins=30)
    office.tasks.finish(task, State.FAILED, failed_code="nobody", failed_message="Nobody.")
    again = office.tasks.retry(ann, FAMILY, task.id)
    assert (again.attempt, again.state, again.failed_message) == (2, State.INITIALIZED, "")
    assert office.balance(ann) == 70
    assert not office.tasks.finish(task, State.COMPLETED), "the first attempt ended the second"
    assert office.tasks.finish(again, State.COMPLETED)
    assert office.balance(ann) == 70
    with pytest.raises(ConflictError):
        office.tasks.retry(ann, FAMILY, task.id)


def test_deleting_an_open_task_cancels_and_refunds_it(office: Office) -> None:
    ann = office.user()
    task = office.submit(ann, coins=30)
    office.tasks.delete(ann.user_id, FAMILY, task.id)
    assert office.balance(ann) == 100
    with pytest.raises(NotFoundError):
        office.tasks.get(ann.user_id, FAMILY, task.id)
    assert office.tasks.begin(task.id, 1) is None


def test_one_user_may_not_fill_the_queue(database: Database, tmp_path: Path) -> None:
    office = Office(database, tmp_path, user_open=2, queue_max=3)
    ann, bob = office.user("ann"), office.user("bob")
    open_tasks = [office.submit(ann, coins=1) for _ in range(2)]
    with pytest.raises(BusyError) as caught:
        office.submit(ann, coins=1)
    assert caught.value.code == "too_many_tasks" and caught.value.retry_after_s
    office.submit(bob, coins=1)
    with pytest.raises(BusyError) as caught:
        office.submit(bob, coins=1)
    assert caught.value.code == "queue_full"
    office.tasks.finish(open_tasks[0], State.COMPLETED)
    office.submit(bob, coins=1)
    assert (office.balance(ann), office.balance(bob)) == (98, 98)


def test_where_a_task_stands(database: Database, tmp_path: Path) -> None:
    office = Office(database, tmp_path, workers=1, media_slots=1)
    ann = office.user()
    first = office.submit(ann, seconds=10)  # three steps
    office.clock.advance(1)
    second = office.submit(ann, seconds=10)
    running = office.tasks.begin(first.id, 1)
    assert running is not None
    office.tasks.progress(running, 50)
    standing = office.tasks.standing(office.tasks.get(ann.user_id, FAMILY, second.id))
    assert standing is not None
    assert standing.position == 0
    assert standing.eta_s == pytest.approx(15 + 30)
    office.tasks.finish(first, State.COMPLETED)
    assert office.tasks.standing(office.tasks.get(ann.user_id, FAMILY, first.id)) is None


def test_lists_are_newest_first_and_leave_out_what_expired(office: Office) -> None:
    ann = office.user()
    made = []
    for _ in range(3):
        made.append(office.submit(ann).id)
        office.clock.advance(1)
    assert [task.id for task in office.tasks.page(ann.user_id, FAMILY)[0]] == made[::-1]
    assert [task.id for task in office.tasks.page(ann.user_id, FAMILY, offset=1, limit=1)[0]] == [made[1]]
    office.tasks.finish(office.tasks.get(ann.user_id, FAMILY, made[0]), State.COMPLETED)
    office.clock.advance(office.settings.result_days * 86400 + 1)
    page, total = office.tasks.page(ann.user_id, FAMILY)
    assert ([task.id for task in page], total) == ([made[2], made[1]], 2)


def test_an_end_is_announced_once(office: Office) -> None:
    ann = office.user()
    task = office.submit(ann, webhook_url="https://example.com/hook", webhook_token="t")
    office.tasks.finish(task, State.FAILED)
    office.tasks.finish(task, State.COMPLETED)
    with office.database.read() as c:
        found, total = notices.page(c, owner=ann.user_id, offset=0, limit=10)
    assert (total, found[0].event, found[0].token) == (1, "task.failed", "t")


def test_a_clock_that_jumps_back_harms_nothing(office: Office) -> None:
    ann = office.user()
    task = office.submit(ann, coins=30)
    office.clock.advance(-86400)
    assert office.tasks.begin(task.id, 1) is not None
    assert office.tasks.finish(task, State.COMPLETED)
    assert office.balance(ann) == 70


def test_a_price_that_was_exact_stands_whatever_is_measured_later(office: Office) -> None:
    ann = office.user()
    task = office.submit(ann, coins=30, exact=True)
    office.tasks.reprice(task, Price(60))
    office.tasks.finish(task, State.COMPLETED)
    assert office.balance(ann) == 70


def test_a_price_list_that_changes_while_a_task_runs_does_not_make_its_end_fail(office: Office) -> None:
    ann = office.user()
    task = office.submit(ann, coins=10)
    for amount in (20, 40, 40):
        task = office.tasks.reprice(task, Price(amount))
    assert office.tasks.finish(task, State.COMPLETED)
    assert office.balance(ann) == 60


def test_a_task_that_was_cancelled_is_not_repriced(office: Office) -> None:
    ann = office.user()
    task = office.submit(ann, coins=0)
    office.tasks.cancel(ann.user_id, FAMILY, task.id)
    office.tasks.reprice(task, Price(50))
    assert office.balance(ann) == 100


def test_pricing_and_cancelling_at_once_do_not_wait_for_each_other(office: Office) -> None:
    ann = office.user(coins=1000)
    made = [office.submit(ann, coins=5) for _ in range(10)]
    with ThreadPoolExecutor(8) as pool:
        for number, task in enumerate(made):
            pool.submit(office.tasks.reprice, task, Price(6 + number))
            pool.submit(office.tasks.cancel, ann.user_id, FAMILY, task.id)
            pool.submit(office.tasks.reprice, task, Price(20 + number))
    states = {office.tasks.get(ann.user_id, FAMILY, task.id).state for task in made}
    assert states == {State.CANCELLED}
    assert office.balance(ann) == 1000


def test_a_worker_that_stops_on_request_is_not_counted_against_its_tasks(office: Office) -> None:
    ann = office.user()
    task = office.submit(ann)
    for _ in range(20):
        begun = office.tasks.begin(task.id, 1)
        assert begun is not None and begun.starts == 1
        office.tasks.hand_back(task.id, 1)


def test_a_cancelled_task_that_nobody_began_leaves_its_queue(office: Office) -> None:
    ann = office.user()
    task = office.submit(ann)
    office.tasks.cancel(ann.user_id, FAMILY, task.id)
    assert office.paper.queued == []


def test_a_task_of_a_family_that_is_gone_is_not_found(office: Office) -> None:
    ann = office.user()
    task = office.submit(ann)
    del office.platform.families[FAMILY.name]
    with pytest.raises(NotFoundError):
        office.tasks.find(ann.user_id, task.id)
