"""`make soak MINUTES=30`, `make soak KILLS=200`: the real server under mixed traffic, or under kills.

The result is kept in tests/soak/results/, drawn and written into docs/record/soak.md. The status is 1 where a bar is
missed.
"""

from __future__ import annotations

import argparse
import sys

from deploy.processes import interrupted_by_signals
from tests.soak.kills import kills
from tests.soak.load import soak
from tests.soak.page import write_page
from tests.soak.results import Check, keep, summary

DEFAULT_MINUTES = 30.0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, help="how long mixed traffic lasts; some phases come on top")
    parser.add_argument("--kills", type=int, help="kill that many processes instead, or as many as --minutes allow")
    parser.add_argument("--page", action="store_true", help="run nothing: write the page from the kept results")
    parser.add_argument("--try", dest="is_trial", action="store_true", help="keep no result, write no page")
    arguments = parser.parse_args()
    checks: list[Check] = []
    if not arguments.page:
        with interrupted_by_signals():
            minutes = arguments.minutes
            result = kills(arguments.kills, minutes) if arguments.kills else soak(minutes or DEFAULT_MINUTES)
        checks = [Check(**each) for each in result["checks"]]
        print(summary(checks))
        if not arguments.is_trial:
            keep("kills" if arguments.kills else "soak", result)
    if not arguments.is_trial:
        write_page()
    return 0 if all(check.passed for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
