"""What stops a measurement, in a sentence for whoever asked for it."""


class BenchError(Exception):
    pass
