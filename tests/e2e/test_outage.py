#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Outages of real receivers, disks and agents: in the end what was collected is stored, or counted as dropped.

All at once: most of it is waiting. Each agent has a file output beside the one that is tested, which is the truth.
"""

import os
import random
import signal
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import agent
import lab
import telegraf
import wire
from outage import (INTERVAL_S, OLD_PER_INTERVAL, PLAIN, ROWS, Arrivals, Disks, Lives, check_order, check_rate, missing,
                    only_last_windows, same, spool_in_memory)
from tap import at_most, equal, main, note, true

KILLS = 20
STORE = "[output.store]\nurls = {url}\n"


# ---- InfluxDB away


def test_influxdb_stopped_for_sixty_windows_gets_them_all_the_newest_first():
    with ExitStack() as stack:
        db = stack.enter_context(wire.influxdb())
        lives = Lives(stack, STORE.format(url=db.url) + PLAIN, crowd=True)
        lives.start()
        lives.wait_for_sent("store")
        db.stop()
        away = time.time_ns()
        lives.wait_for_queued("store", 60)
        waiting = lives.latest()["store"]["bytes_queued"]
        at_most(6 << 20, waiting, "bytes that would be in memory without the spool")
        arrivals = Arrivals(db, away)
        with arrivals:
            lives.wait_for_queued("store", 61)  # whole windows before it is back
            back = time.time_ns()
            db.start()
            lives.deliver("store")
        rows = lives.check_books()["store"]
        equal(rows[-1][1]["lines_dropped_total"], 0, "lines dropped")
        check_order(arrivals.seen, away, back)
        step = check_rate(rows)
        same(wire.stored(db), lives.everything(), "in InfluxDB")
        note(f"{waiting >> 10} KiB waited; at most {step} windows were sent in an interval")
        lives.tell("InfluxDB away for 60 windows")


def test_influxdb_killed_while_it_takes_a_backlog_gets_all_of_it():
    rng = random.Random(2)
    with ExitStack() as stack:
        db = stack.enter_context(wire.influxdb())
        lives = Lives(stack, STORE.format(url=db.url), crowd=True)
        lives.start()
        lives.wait_for_sent("store")
        for _ in range(3):
            lives.wait_for(lambda last: last["store"]["verdict_sent_total"] > 3, "the first windows are sent")
            time.sleep(rng.uniform(0, INTERVAL_S))
            db.kill()
            lives.wait_for_queued("store", 2 * OLD_PER_INTERVAL)
            db.start()
            # The backlog takes three intervals: it is killed in the first or second.
            lives.wait_for(lambda last: not last["store"]["failing"], "it takes them again")
        time.sleep(rng.uniform(0, INTERVAL_S))
        db.kill()
        lives.wait_for_queued("store", 3)
        db.start()
        lives.deliver("store")
        rows = lives.check_books()["store"]
        equal(rows[-1][1]["lines_dropped_total"], 0, "lines dropped")
        same(wire.stored(db), lives.everything(), "in InfluxDB")
        lives.tell("InfluxDB killed four times")


# ---- the spool's disk


def state_of(pid):
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]


def check_oldest(name, lost, windows):
    """What is dropped is a run of windows, the oldest of those that no disk had; newer ones are there."""
    between = {stamp for stamp in windows if min(lost) <= stamp <= max(lost)}
    equal(lost, between, f"{name}: windows that are missing, and all from the first of them to the last")
    true(len({stamp for stamp in windows if stamp > max(lost)}) >= 5, f"{name}: the newest windows are missing")


def end_frozen(disks):
    """SIGTERM with a frozen disk. How long it took."""
    lives = disks.lives
    process = lives.process
    os.kill(process.pid, signal.SIGTERM)
    start = time.monotonic()
    # The kernel keeps the rest of a process as long as a thread of it waits for a disk.
    lab.wait_for(lambda: state_of(process.pid) == "Z", 30, "the agent's end")
    took = time.monotonic() - start
    disks.frozen.thaw()
    equal(process.wait(10), 0, "exit code")
    lives.agent.process = None
    return took


def test_spools_on_disks_that_freeze_and_get_full_cost_what_is_counted_and_no_time():
    with ExitStack() as stack:
        disks = Disks(stack)
        lives = disks.lives
        lives.start()
        for name in disks.dbs:
            lives.wait_for_sent(name)
        # Frozen before the outage begins, and in it.
        disks.frozen.freeze()
        lives.wait_for_sent(Disks.WELL, 2)
        disks.gone.stop()
        disks.wait_for_unsaved(4)
        lives.wait_for_sent(Disks.WELL, 2)
        disks.thaw()
        disks.frozen.freeze()
        disks.wait_for_unsaved(4)
        disks.thaw()
        disks.fill()
        # And at the end.
        disks.frozen.freeze()
        disks.wait_for_unsaved(2)
        took = end_frozen(disks)
        at_most(took, 10, "seconds that the end took")
        disks.gone.start()
        lives.start()
        lives.deliver(*disks.dbs)

        lives.check_books()
        wanted = lives.everything()
        same(disks.stored(Disks.WELL), wanted, "where InfluxDB was well")
        for name in (Disks.FROZEN, Disks.FULL):
            lost = missing(disks.stored(name), wanted, name)
            gone = len(lost)
            check_oldest(name, {stamp for *_, stamp in lost}, {stamp for *_, stamp in wanted})
            counted = disks.dropped(name, 1) + disks.dropped(name, 2) + disks.lost_at_end(name)
            note(f"{name}: {gone} of {len(wanted)} lines are missing, {counted} are counted")
            # What the kernel was writing when the process was given up may be there whole.
            at_most(gone, counted, f"{name}: lines missing and not counted")
            at_most(counted - gone, 2 * ROWS if name == Disks.FROZEN else 0, f"{name}: lines counted and not missing")
        equal(disks.dropped(Disks.FROZEN, 1) + disks.dropped(Disks.FROZEN, 2), 0, "lines that a frozen disk cost")
        true(disks.dropped(Disks.FULL, 1), "the full disk cost nothing: this proves nothing")
        note(f"with a frozen disk the end took {took:.1f} s")
        lives.tell("disks frozen and full")


# ---- the agent killed


def test_twenty_kills_in_an_outage_cost_the_window_just_cut_at_most():
    rng = random.Random(20)
    with ExitStack() as stack:
        db = stack.enter_context(wire.influxdb())
        spool = spool_in_memory(stack)
        lives = Lives(stack, STORE.format(url=db.url) + f"spool_dir = {spool}\n")
        lives.start()
        lives.wait_for_sent("store")
        db.stop()
        lives.wait_for_queued("store", 3)
        for _ in range(KILLS):
            lives.kill()
            lives.start()
            time.sleep(rng.uniform(0.5, 1.5))
        lives.kill()
        db.start()
        lives.start()
        lives.deliver("store")
        rows = lives.check_books()["store"]
        last = rows[-1][1]
        equal(last["lines_dropped_total"], 0, "lines dropped")
        true(last["lines_recovered_total"] > 3 * KILLS, f"only {last['lines_recovered_total']} lines were found")
        check_rate(rows)
        points = [lives.points(number) for number in range(1, lives.number + 1)]
        cost = only_last_windows(wire.stored(db), points, points[:-1], "in InfluxDB")
        note(f"{KILLS + 1} kills cost {cost} windows; the last start found {last['lines_recovered_total']} lines")
        lives.tell("the agent killed")


# ---- Telegraf


def into(db):
    return f'[[outputs.influxdb]]\nurls = ["{db.url}"]\ndatabase = "telegraf"\n'


def test_what_a_full_telegraf_refuses_waits_with_us_until_influxdb_is_back():
    token = "not-a-secret"
    v2 = f'[[inputs.influxdb_v2_listener]]\nservice_address = "127.0.0.1:{{port}}"\ntoken = "{token}"\n' \
         "max_undelivered_metrics = 40\n"
    with ExitStack() as stack:
        db = stack.enter_context(wire.influxdb())
        relay = stack.enter_context(telegraf.Telegraf(v2 + into(db)))
        lives = Lives(stack, STORE.format(url=relay.url) + f"type = influx2\ntoken = {token}\nbucket = telegraf\n")
        lives.agent.config.chmod(0o600)
        lives.start()
        lives.wait_for_sent("store")
        db.stop()
        lives.wait_for(lambda last: last["store"]["last_status"] == 429, "Telegraf is full")
        lives.wait_for_queued("store", 15)
        db.start()
        lives.deliver("store")
        relay.stop()
        rows = lives.check_books()["store"]
        equal(rows[-1][1]["lines_dropped_total"], 0, "lines dropped")
        same(wire.stored(db), lives.everything(), "in InfluxDB behind Telegraf")
        lives.tell("Telegraf full")


def test_telegraf_ended_while_it_takes_a_backlog_gets_all_of_it():
    v1 = '[[inputs.influxdb_listener]]\nservice_address = "127.0.0.1:{port}"\n'
    with ExitStack() as stack:
        relay = stack.enter_context(telegraf.Telegraf(v1))
        lives = Lives(stack, STORE.format(url=relay.url))
        lives.start()
        lives.wait_for_sent("store")
        for _ in range(3):
            relay.stop()
            lives.wait_for_queued("store", 2 * OLD_PER_INTERVAL)
            relay.start()
            lives.wait_for(lambda last: not last["store"]["failing"], "it takes them again")
        relay.stop()
        lives.wait_for_queued("store", 3)
        relay.start()
        lives.deliver("store")
        relay.stop()
        lives.check_books()
        same(wire.as_map(relay.points()), lives.everything(), "in Telegraf's file")
        lives.tell("Telegraf ended four times")


EXECD = """[[inputs.execd]]
command = ["sh", "{folder}/start"]
signal = "none"
restart_delay = "100ms"
data_format = "influx"
"""
START = """exec {program} run --set output.truth/path={folder}/truth-$$ --config {config}
"""


def test_telegraf_reads_all_of_an_agent_that_it_starts_anew():
    with ExitStack() as stack:
        relay = telegraf.Telegraf(EXECD)
        lives = Lives(stack, "[output.out]\ntype = stdout\n")  # a configuration: Telegraf starts them
        lives.agent.config.write_text(lives.text())
        (relay.folder / "start").write_text(START.format(program=agent.program().resolve(), folder=relay.folder,
                                                         config=lives.agent.config))
        stack.enter_context(relay)

        def truths():
            """{process: points}, in the order of time."""
            found = [(int(path.name.split("-")[1]), agent.file_points(path)) for path in relay.folder.glob("truth-*")]
            return dict(sorted((one for one in found if one[1]), key=lambda one: one[1][0][3]))

        for number, end in enumerate((signal.SIGKILL, signal.SIGTERM, None)):
            lab.wait_for(lambda: len(truths()) > number and len({p[3] for p in list(truths().values())[-1]}) > 3, 60,
                         f"windows of agent {number}")
            if end:
                os.kill(list(truths())[-1], end)
        relay.stop()
        points = list(truths().values())
        cost = only_last_windows(wire.as_map(relay.points()), points, points[:1], "in Telegraf's file")
        note(f"an agent killed in Telegraf cost {cost} windows, one that was ended none")


# ---- folders


def test_two_agents_on_one_spool_lose_nothing_and_the_second_takes_it_over():
    with ExitStack() as stack:
        db = stack.enter_context(wire.influxdb())
        spool = stack.enter_context(tempfile.TemporaryDirectory(prefix="thermograf-outage-"))
        first, second = (Lives(stack, STORE.format(url=db.url) + f"spool_dir = {spool}\n", host=host)
                         for host in ("first", "second"))
        first.start()
        first.wait_for_sent("store")
        db.stop()
        first.wait_for_queued("store", 3)
        second.start()
        second.wait_for_queued("store", 5)
        said, last = second.agent.messages(), second.latest()["store"]
        true("another agent uses it" in said, f"the second should say so:\n{said}")
        equal((last["lines_unsaved"], last["spool_bytes"]), (last["lines_queued"], 0), "in memory, and on disk")
        first.stop()  # what it has waits on disk
        second.wait_for(lambda last: last["store"]["lines_unsaved"] <= 10 and last["store"]["lines_recovered_total"],
                        "the second has the spool")
        db.start()
        second.deliver("store")
        for lives in (first, second):
            lives.check_books()
            lives.tell(f"the {lives.host} on one spool")
        # What the first left, the second delivered.
        same(wire.stored(db), {**first.everything(), **second.everything()}, "in InfluxDB")


def test_spool_folders_that_cannot_be_used_wait_in_memory_until_they_can():
    lab.need_root()  # to give files away
    with ExitStack() as stack:
        db = stack.enter_context(wire.influxdb())
        lives = Lives(stack, "")
        folders = {"missing": lives.folder / "missing" / "deep", "readonly": lives.folder / "readonly",
                   "foreign": lives.folder / "foreign", "file": lives.folder / "file"}
        for name, folder in folders.items():
            lives.outputs += f"[output.{name}]\nurls = {db.url}\ndatabase = {name}\nspool_dir = {folder}\n"
            db.execute(f'CREATE DATABASE "{name}"')
        folders["readonly"].mkdir(0o500)
        folders["foreign"].mkdir(0o700)
        os.chown(folders["foreign"], 65534, 65534)
        folders["file"].write_text("")
        lives.start()
        db.stop()
        lives.wait_for(lambda last: all(last[name]["batches_queued"] > 5 for name in folders), "windows wait")
        said, last = lives.agent.messages(), lives.latest()
        reasons = {"readonly": "Permission denied", "foreign": "Permission denied", "file": "Not a directory"}
        for name, why in reasons.items():
            true(f"output {name}: spool {folders[name]}/{name}: {why}; windows wait in memory only" in said,
                 f"{name} should be told:\n{said}")
            equal((last[name]["spool_failing"], last[name]["lines_unsaved"]), (1, last[name]["lines_queued"]), name)
        equal(last["missing"]["spool_failing"], 0, "a folder that was missing")
        folders["readonly"].chmod(0o700)
        os.chown(folders["foreign"], 0, 0)
        folders["file"].unlink()
        lives.wait_for(lambda last: all(last[name]["lines_unsaved"] <= 10 and last[name]["spool_bytes"]
                                        for name in folders), "all is on disk")
        db.start()
        lives.deliver(*folders)
        rows = lives.check_books()
        for name in folders:
            equal(rows[name][-1][1]["lines_dropped_total"], 0, f"lines that {name} dropped")
            same(wire.stored(db, name), lives.everything(), f"in InfluxDB by {name}")
        lives.tell("spool folders that cannot be used")


if __name__ == "__main__":
    main(globals(), at_once=True)
