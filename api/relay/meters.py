"""What only the relay knows: what devices were told and what they answered."""

from prometheus_client import CollectorRegistry, Counter

OUTCOMES = ("reported", "succeeded", "failed", "late", "repeated", "set_aside")


class RelayMeters:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.desired_said = self._counter("desired_said", "Desired states that the brokers took, repeats included.")
        self.desired_unsaid = self._counter("desired_unsaid", "Desired states that not every broker took.")
        self.commands_sent = self._counter("commands_sent", "Commands that went to devices, repeats included.")
        self.commands_expired = self._counter("commands_expired", "Commands that nobody answered in time.")
        self.answers = Counter(
            "foremend_device_answers",
            "What devices said of their twins: states, results of commands.",
            ["outcome"],
            registry=self.registry,
        )
        for outcome in OUTCOMES:
            self.answers.labels(outcome)
        self.forgotten = Counter(
            "foremend_forgotten", "Rows that were kept for as long as they are kept.", ["what"], registry=self.registry
        )

    def _counter(self, name: str, words: str) -> Counter:
        return Counter(f"foremend_{name}", words, registry=self.registry)
