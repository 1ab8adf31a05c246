"""What cases are written with. They stand in cases_of_messages.py, cases_of_status.py and cases_of_life.py, once for all pairs:
what the client is told to do, and what must come of it, whoever client and server are.

A case is a function of a Pair (interop_test.py). @case puts it on the list; `only` says for which pairs it makes sense.
"""
import interop_pb2 as pb

OK, CANCELLED, UNKNOWN, DEADLINE_EXCEEDED = 0, 1, 2, 4
RESOURCE_EXHAUSTED, ABORTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 8, 10, 12, 13, 14
MIB = 1 << 20

INTEROP = "/saker.interop.v1.Interop/"
ECHO = "/saker.echo.v1.Echo/"
CASES = []


def case(function=None, *, only=lambda client, server: True, reconnects=False):
    """`reconnects`: the client must be able to connect again, or later."""
    def register(test):
        test.applies = only
        test.reconnects = reconnects
        CASES.append(test)
        return test

    return register if function is None else register(function)


def instruct(**fields):
    return pb.Instruction(**fields).SerializeToString()


def answer(outcome, index=0):
    return pb.Answer.FromString(outcome.replies[index])


def metadata(*pairs):
    return [pb.Header(name=name, value=value) for name, value in pairs]


def values(headers):
    """Name to values; only custom names, for each implementation shows some of its own."""
    found = {}
    for header in headers:
        if header.name.startswith("x-"):
            found.setdefault(header.name, []).append(header.value)
    return found
