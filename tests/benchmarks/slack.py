"""`make bench-slack`: Parley on Slack beside a bare loop, fifty conversations at once, no rate limits on either side.

Ends with 1 where an answer is missing, doubled or not whole, or an event was acknowledged too late.
"""

from __future__ import annotations

from adapters.slack import limits
from tests.benchmarks.compared import Bench, main
from tests.benchmarks.slack_side import slack_side
from tests.simulators.slack.announce import EVENTS

BENCH = Bench(
    platform="Slack",
    parley=lambda script, variables: slack_side("parley_slack", script, variables, EVENTS),
    bare=lambda script, variables: slack_side("bare_slack", script, variables, ["app_mention"]),
    alone={"RHYTHM": str(limits.EACH["chat.appendStream"].seconds), "FOLLOW_UPS": "0"},
    warm_up=5,
)

if __name__ == "__main__":
    main(BENCH, __doc__)
