"""What a start will run, and with which environment. Pure: decides from values, touches nothing.

Variables that are set win; what is missing is filled in for one machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.launcher import ports
from ops.launcher.ports import Claim
from ops.launcher.supervisor_config import Program

LOOPBACK = "127.0.0.1"
DISPLAYED_USER = "admin"
REDIS, ZEP_STANDIN = "redis", "zep"

# Workers first, the door last; stopped the other way round.
ORDER = {REDIS: 10, ZEP_STANDIN: 20, "worker": 30, "control": 40, "flower": 50, "beat": 60, "web": 70}
LAST = 80
# How long after SIGTERM a process may take: tasks and requests in hand finish.
STOP_SECONDS = {"worker": 60, "control": 60, "web": 40}
OTHER_STOP_SECONDS = 20

# Nothing may be dropped (queues and the guard's state are in it), and what was acknowledged outlives a kill.
REDIS_COMMAND = (
    f'cd "$LOCAL_DIR/{REDIS}" && exec "$REDIS_SERVER" --bind {LOOPBACK} --port "$REDIS_PORT" --dir . --daemonize no '
    '--appendonly yes --save "" --maxmemory-policy noeviction'
)
ZEP_STANDIN_COMMAND = (
    f"exec env PROCESS_ROLE=cli python -m ops.zep_standin serve --host {LOOPBACK} "
    '--port "$ZEP_STANDIN_PORT" --data "$LOCAL_DIR/zep-standin.sqlite3"'
)

# Whatever of these the person set is part of what runs, so commands in a second terminal need it too.
SETTINGS_PREFIXES = (
    "FLAG_", "ZEP_", "MEMORY_", "PII_", "ARCHIVE_", "DATABASE_", "REDIS_", "CACHE_REDIS_", "CELERY_", "WEB_", "CHAT_",
    "FLOWER_", "METRICS_", "WORKER_", "CONTROL_", "PROVIDER_", "DRILLS_", "SESSION_", "LOG_", "OTEL_", "EXPORT",
    "ERASURE_", "DATA_", "FACTS_",
)  # fmt: skip
SETTINGS_NAMES = frozenset(
    {
        "SECRET_KEY", "SECRET_KEY_FALLBACKS", "DEBUG", "ALLOWED_HOSTS", "DISABLE_AUTO_DOWNGRADE", "SESSION_IDLE_DAYS",
        "PROCESS_MAX_MEMORY_MB", "PROCESS_MEMORY_CHECK_SECONDS",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """Everything a start needs to know."""

    settings: dict[str, str]  # what `$LOCAL_DIR/env` will hold
    services: tuple[Program, ...]  # started before the database is prepared
    processes: tuple[Program, ...]  # the Procfile's, started after
    claims: tuple[Claim, ...]

    @property
    def programs(self) -> tuple[Program, ...]:
        return self.services + self.processes

    def runs(self, name: str) -> bool:
        return any(program.name == name for program in self.programs)


def make_plan(environ: Mapping[str, str], secrets: Mapping[str, str], procfile: Mapping[str, str]) -> Plan:
    """Decide it all. Raises ports.WrongPort."""
    given = {name: value.strip() for name, value in environ.items() if is_setting(name) and value.strip()}
    numbers = {name: ports.port_from(given, name) for name in ports.DEFAULTS}
    services = needed_services(given)
    return Plan(
        settings=defaults(numbers, secrets, given) | given,
        services=tuple(services),
        processes=tuple(process(name, command) for name, command in procfile.items()),
        claims=claims({service.name for service in services}, numbers, given.get("WEB_HOST", LOOPBACK)),
    )


def is_setting(name: str) -> bool:
    return name in SETTINGS_NAMES or name.startswith(SETTINGS_PREFIXES)


def needed_services(given: Mapping[str, str]) -> list[Program]:
    """What stands in for services that no URL was given for."""
    services = []
    if "REDIS_URL" not in given:
        services.append(Program(REDIS, REDIS_COMMAND, ORDER[REDIS], OTHER_STOP_SECONDS))
    if uses_standin(given):
        services.append(Program(ZEP_STANDIN, ZEP_STANDIN_COMMAND, ORDER[ZEP_STANDIN], OTHER_STOP_SECONDS))
    return services


def uses_standin(given: Mapping[str, str]) -> bool:
    return "ZEP_BASE_URL" not in given and given.get("ZEP_BACKEND", "community") == "community"


def process(name: str, command: str) -> Program:
    return Program(name, command, ORDER.get(name, LAST), STOP_SECONDS.get(name, OTHER_STOP_SECONDS))


def defaults(numbers: Mapping[str, int], secrets: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Values for what was not given."""
    redis_url = given.get("REDIS_URL", f"redis://{LOOPBACK}:{numbers['REDIS_PORT']}/0")
    writes = given.get("FLAG_ZEP_WRITE", "true")
    values = {
        "SECRET_KEY": secrets["SECRET_KEY"],
        "METRICS_TOKEN": secrets["METRICS_TOKEN"],
        "ARCHIVE_ENCRYPTION_KEY": secrets["ARCHIVE_ENCRYPTION_KEY"],
        "FLOWER_BASIC_AUTH": f"{DISPLAYED_USER}:{secrets['FLOWER_PASSWORD']}",
        "WEB_HOST": LOOPBACK,
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": redis_url,
        "FLAG_ZEP_WRITE": writes,
        "FLAG_ZEP_READ": writes,  # reads without writes are refused
        "LOG_FORMAT": "readable",  # what the terminal shows; the log files are JSON all the same
        **{name: str(number) for name, number in numbers.items()},
    }
    if uses_standin(given):
        values["ZEP_BASE_URL"] = f"http://{LOOPBACK}:{numbers['ZEP_STANDIN_PORT']}"
        values["ZEP_API_KEY"] = secrets["ZEP_API_KEY"]
    return values


def claims(services: set[str], numbers: Mapping[str, int], web_host: str) -> tuple[Claim, ...]:
    """The ports of what will be started, and of nothing else."""
    bundled = {"REDIS_PORT": REDIS, "ZEP_STANDIN_PORT": ZEP_STANDIN}
    return tuple(
        Claim(variable, web_host if variable == "WEB_PORT" else LOOPBACK, number)
        for variable, number in numbers.items()
        if bundled.get(variable) in {None, *services}
    )


def child_environment(settings: Mapping[str, str], local_dir: Path) -> dict[str, str]:
    """What every process gets on top of the person's own environment."""
    return {
        **settings,
        "DJANGO_SETTINGS_MODULE": "easy_islanders.settings",
        "PYTHONUNBUFFERED": "1",
        "LOCAL_DIR": str(local_dir),
    }
