#!/usr/bin/env python3
"""Checks histories of operations against the gateways' ledgers, independently of the project's own code.

    check.py HISTORY.jsonl ...

A history is one JSON object a line. Its kinds:

    asked         operation, what (credit, check, cancel, sync), orders: what an operator or a setting asked for
    result        operation, what, order, outcome (success, failure, unknown), state: what the platform said
    order         order, state, references, transaction_id, asked_cancel, asked_shipment,
                  tracked_elsewhere, names_person: how it ended
    registration  id, reference, amount, verdict, cancelled, slip: what a gateway's ledger holds at the end

An operation that was asked for and has no result was broken off: its outcome is unknown. Ends with 0 if every history
holds, 1 if one does not, 2 if one cannot be read. Nothing is imported but Python's own library.
"""

import json
import sys
from collections import Counter, defaultdict

KINDS = {
    "asked": {"operation", "what", "orders"},
    "result": {"operation", "what", "order", "outcome", "state"},
    "order": {"order", "state", "references", "transaction_id", "asked_cancel", "asked_shipment", "tracked_elsewhere",
              "names_person"},
    "registration": {"id", "reference", "amount", "verdict", "cancelled", "slip"},
}

# By the state in which an order ends: how many live registrations there may be.
LIVE = {
    "not_asked": {0},
    "not_sent": {0},
    "rejected": {0},
    "cancelled": {0},
    "approved": {1},
    "synced": {1},
    "under_review": {0, 1},
    "on_hold": {0, 1},
}
IN_DOUBT = {"unknown", "cancel_unknown", "sync_unknown"}
OUTCOMES = {"success", "failure", "unknown"}


def is_live(registration):
    return not registration["cancelled"] and registration["verdict"] != "rejected"


def check(lines):
    """Every violation in one history, as text."""
    found = []
    by_kind = defaultdict(list)
    for line in lines:
        kind = line.get("kind")
        if kind not in KINDS:
            raise ValueError(f"a line of the kind {kind!r}")
        if missing := KINDS[kind] - line.keys():
            raise ValueError(f"a line of the kind {kind!r} without {sorted(missing)}")
        by_kind[kind].append(line)
    if not by_kind["order"]:
        raise ValueError("a history without orders shows nothing")

    orders = {}
    owner = {}
    for order in by_kind["order"]:
        if order["order"] in orders:
            found.append(f"{order['order']} is there twice")
        orders[order["order"]] = order
        for reference in order["references"]:
            if owner.setdefault(reference, order["order"]) != order["order"]:
                found.append(f"{reference} belongs to {owner[reference]} and to {order['order']}")

    held = defaultdict(list)
    for registration in by_kind["registration"]:
        number = owner.get(registration["reference"])
        if number is None:
            found.append(f"the ledger has {registration['reference']}, which no order ever had")
        else:
            held[number].append(registration)
    for identity, count in Counter(registration["id"] for registration in by_kind["registration"]).items():
        if count > 1:
            found.append(f"the ledger has the id {identity} {count} times")

    for number, order in orders.items():
        found += check_order(order, held[number])
    found += check_operations(by_kind["asked"], by_kind["result"], orders, held)
    return found


def check_order(order, held):
    number, state = order["order"], order["state"]
    live = [registration for registration in held if is_live(registration)]
    if len(live) > 1:
        yield f"{number} has {len(live)} live credits"
    if state.startswith("csv_"):
        allowed = {0}
    elif state in LIVE:
        allowed = LIVE[state]
    elif state in IN_DOUBT and order["names_person"]:
        allowed = {0, 1}
    else:
        yield f"{number} ends as {state}, and no person is named"
        allowed = {0, 1}
    if len(live) not in allowed:
        yield f"{number} ends as {state} with {len(live)} live credits"
    if any(registration["cancelled"] for registration in held) and not order["asked_cancel"]:
        yield f"{number} was cancelled, and nobody asked for it"
    if any(registration["slip"] for registration in held) and not order["asked_shipment"]:
        yield f"{number} was reported as shipped, and nobody asked for it"
    if state in ("approved", "synced") and len(live) == 1:
        if live[0]["verdict"] != "approved":
            yield f"{number} ends as {state}, and the ledger says {live[0]['verdict']}"
        # Where the platform heard of nothing but a tracking number, it heard of no id.
        unheard = order["tracked_elsewhere"] and state == "synced" and order["transaction_id"] is None
        if live[0]["id"] != order["transaction_id"] and not unheard:
            yield f"{number} has the id {order['transaction_id']}, and the ledger {live[0]['id']}"
        if live[0]["reference"] != order["references"][-1]:
            yield f"{number} is live under {live[0]['reference']} instead of {order['references'][-1]}"
    if state == "synced" and len(live) == 1 and not live[0]["slip"]:
        yield f"{number} ends as synced, and the ledger has no tracking number"


def check_operations(asked, results, orders, held):
    wanted = {line["operation"]: (line["what"], set(line["orders"])) for line in asked if line["operation"] is not None}
    for result in results:
        number, what, outcome = result["order"], result["what"], result["outcome"]
        if number not in orders:
            yield f"a result about {number}, which is not there at the end: it is lost"
            continue
        if outcome not in OUTCOMES:
            yield f"{number}: the outcome {outcome!r}"
        operation = wanted.get(result["operation"])
        if operation is not None and (what != operation[0] or number not in operation[1]):
            yield f"{number}: a result of {what} in operation {result['operation']}, which asked for something else"
        if outcome != "success":
            continue
        # What was called done is in the ledger for ever: nothing is deleted there.
        if what == "credit" and not held[number]:
            yield f"{number}: a credit was called done, and no ledger ever held it"
        if what == "cancel" and not any(registration["cancelled"] for registration in held[number]):
            yield f"{number}: a cancel was called done, and nothing is cancelled"
        if what == "sync" and not any(registration["slip"] for registration in held[number]):
            yield f"{number}: a tracking number was called reported, and the ledger has none"


def main(paths):
    status = 0
    orders = 0
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file if line.strip()]
            found = check(lines)
        except (OSError, ValueError) as error:
            print(f"{path}: cannot be checked: {error}", file=sys.stderr)
            return 2
        orders += sum(line["kind"] == "order" for line in lines)
        for violation in found:
            print(f"{path}: {violation}")
            status = 1
    print(f"{len(paths)} histories, {orders} orders")
    return status


if __name__ == "__main__":
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1:]))
