"""What can go wrong with engines; the message is one sentence for the person at the keyboard."""


class EngineError(Exception):
    """Root: printed as it is, without a traceback."""


class EngineStartError(EngineError):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} did not start: {reason}")
        self.name = name


class PortTakenError(EngineError):
    def __init__(self, port: int, option: str) -> None:
        super().__init__(f"port {port} is taken on this machine; choose another one with {option} PORT")
        self.port = port
        self.option = option


class DataInUseError(EngineError):
    def __init__(self, data: str) -> None:
        super().__init__(f"Foremend is already running on {data}; stop it first, or use another folder with --data DIR")
        self.data = data


class DataFolderError(EngineError):
    """The data folder cannot be used; the message says why and what helps."""
