"""Histories that have to be refused, each made from one that holds by one change: what the checker would miss otherwise."""

import copy
import unittest

from check import check

GOOD = [
    {"kind": "asked", "operation": 0, "what": "credit", "orders": ["A-1", "A-2"]},
    {"kind": "result", "operation": 0, "what": "credit", "order": "A-1", "outcome": "success", "state": "approved"},
    {"kind": "result", "operation": 0, "what": "credit", "order": "A-2", "outcome": "unknown", "state": "unknown"},
    {"kind": "asked", "operation": 1, "what": "cancel", "orders": ["A-2"]},
    {"kind": "result", "operation": 1, "what": "cancel", "order": "A-2", "outcome": "success", "state": "cancelled"},
    {"kind": "asked", "operation": 2, "what": "sync", "orders": ["A-1"]},
    {"kind": "result", "operation": 2, "what": "sync", "order": "A-1", "outcome": "success", "state": "synced"},
    {"kind": "order", "order": "A-1", "state": "synced", "references": ["R-1", "R-2"], "transaction_id": "T2",
     "asked_cancel": False, "asked_shipment": True, "tracked_elsewhere": False, "names_person": False},
    {"kind": "order", "order": "A-2", "state": "cancelled", "references": ["R-3"], "transaction_id": "T3",
     "asked_cancel": True, "asked_shipment": False, "tracked_elsewhere": False, "names_person": False},
    {"kind": "order", "order": "A-3", "state": "csv_approved", "references": [], "transaction_id": None,
     "asked_cancel": False, "asked_shipment": False, "tracked_elsewhere": False, "names_person": False},
    {"kind": "registration", "id": "T1", "reference": "R-1", "amount": 100, "verdict": "rejected", "cancelled": False,
     "slip": None},
    {"kind": "registration", "id": "T2", "reference": "R-2", "amount": 100, "verdict": "approved", "cancelled": False,
     "slip": "4000"},
    {"kind": "registration", "id": "T3", "reference": "R-3", "amount": 100, "verdict": "approved", "cancelled": True,
     "slip": None},
]
# Positions of lines above.
ASKED_CANCEL, FIRST, SECOND, CSV, T1, T2, T3 = 3, 7, 8, 9, 10, 11, 12

# What is changed, and what has to be found then.
BAD = {
    "two live credits": (T1, {"verdict": "approved"}, "2 live credits"),
    "a credit that nobody has": (T1, {"reference": "R-9"}, "no order ever had"),
    "one id twice": (T1, {"id": "T2"}, "2 times"),
    "approved and not there": (T2, {"verdict": "rejected"}, "with 0 live credits"),
    "cancelled and still live": (T3, {"cancelled": False}, "with 1 live credits"),
    "a cancel nobody asked for": (SECOND, {"asked_cancel": False}, "nobody asked"),
    "a shipment nobody asked for": (FIRST, {"asked_shipment": False}, "nobody asked"),
    "another verdict": (T2, {"verdict": "under-review"}, "the ledger says"),
    "another id": (FIRST, {"transaction_id": "T9"}, "has the id"),
    "live under an old reference": (FIRST, {"references": ["R-2", "R-1"]}, "instead of"),
    "a reference of two orders": (CSV, {"references": ["R-3"]}, "belongs to"),
    "a tracking number that is not there": (T2, {"slip": None}, "no tracking number"),
    "a credit beside results by CSV": (T3, {"reference": "R-9"}, "no order ever had"),
    "in doubt for ever": (SECOND, {"state": "unknown"}, "no person is named"),
    "claimed for ever": (SECOND, {"state": "sending"}, "no person is named"),
    "an order that is lost": (CSV, {"order": "A-2"}, "is there twice"),
    "a result of something else": (ASKED_CANCEL, {"orders": ["A-1"]}, "asked for something else"),
}


class Histories(unittest.TestCase):
    def test_a_good_history_holds(self):
        self.assertEqual(check(GOOD), [])

    def test_every_bad_history_is_refused_for_what_is_wrong(self):
        for name, (at, change, expected) in BAD.items():
            with self.subTest(name):
                history = copy.deepcopy(GOOD)
                history[at].update(change)
                found = check(history)
                self.assertTrue(any(expected in violation for violation in found), found)

    def test_a_person_who_is_named_may_be_waited_for(self):
        history = copy.deepcopy(GOOD)
        history[SECOND].update(state="unknown", names_person=True)
        self.assertEqual(check(history), [])

    def test_an_operation_that_was_called_done_and_was_not(self):
        for what, expected in [("credit", "no ledger ever held"), ("cancel", "nothing is cancelled"),
                               ("sync", "the ledger has none")]:
            with self.subTest(what):
                history = copy.deepcopy(GOOD)
                history.append({"kind": "result", "operation": 9, "what": what, "order": "A-3", "outcome": "success",
                                "state": "approved"})
                self.assertTrue(any(expected in violation for violation in check(history)))

    def test_a_result_about_an_order_that_is_gone(self):
        history = [line for line in GOOD if line.get("order") != "A-2" or line["kind"] != "order"]
        self.assertTrue(any("it is lost" in violation for violation in check(history)))

    def test_what_shows_nothing_is_not_passed(self):
        for history in [[], [{"kind": "order"}], [{"kind": "other"}], GOOD[:3]]:
            with self.subTest(history), self.assertRaises(ValueError):
                check(history)


if __name__ == "__main__":
    unittest.main()
