"""The index job of the service with a script in its place."""

from service.library.reindex import Reindex
from service.settings import Settings


class Scripted(Reindex):
    """Runs a script instead of the job."""

    script = ""

    def _command(self) -> list[str]:
        return ["/bin/sh", "-c", self.script]


async def _nothing() -> None:
    pass


def scripted(script: str) -> Scripted:
    job = Scripted(Settings(), _nothing)
    job.script = script
    return job
