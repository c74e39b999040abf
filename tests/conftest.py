# SPDX-License-Identifier: GPL-2.0-or-later
"""Shared fixtures; a failed test shows the end of its machines' serial logs."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402


@pytest.fixture(autouse=True)
def end_machines():
    """Whatever a test starts ends with it."""
    harness.started.clear()
    yield
    for m in harness.started:
        m.stop()


@pytest.fixture
def machine():
    """machine(...) starts a QEMU machine (arguments: harness.Machine) that ends with the test."""
    return harness.Machine


@pytest.fixture
def bochs():
    """bochs(...) starts a Bochs machine (arguments: harness.Bochs) that ends with the test."""
    return harness.Bochs


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    for m in harness.started:
        report.sections.append((f"serial log of {m.describe()}: {os.path.relpath(m.log, harness.TREE)}",
                                harness.tail(m.log)))
