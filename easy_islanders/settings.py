"""Every setting, read from the environment here and nowhere else. Contradictions are caught in `checks.py`."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
from celery.schedules import crontab
from kombu import Exchange, Queue

from assistant import bounds
from assistant.drills.catalogue import DRILLS
from easy_islanders import env

env.load_local_env()

BASE_DIR = env.BASE_DIR
LOCAL_DIR = env.local_dir()

# Django
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY_IS_SET = bool(env.text("SECRET_KEY"))
SECRET_KEY = env.text("SECRET_KEY") or secrets.token_urlsafe(50)  # unset: good for one process only, see checks.py
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS", "")  # earlier keys, so that log-ins outlive a rotation
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",  # throttles the admin's log-in
    "ninja",  # serves the API docs' own assets instead of a CDN's
    "easy_islanders.apps.EasyIslandersConfig",
    "workers.apps.WorkersConfig",
    "assistant.apps.AssistantConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "easy_islanders.middleware.HostCheckedMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",  # answers a log-in that is locked out
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "easy_islanders.urls"
ASGI_APPLICATION = "easy_islanders.asgi.application"
AUTH_USER_MODEL = "assistant.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
# Five wrong passwords for a name from an address, and that pair waits; the name from elsewhere, and others, go on.
# Counted in the database, which a log-in needs anyway: with Redis away operators still get in.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # who goes on trying does not lock a colleague out for ever
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "assistant.console.throttle.address_of"
AXES_USERNAME_CALLABLE = "assistant.console.throttle.name_of"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATIC_ROOT = LOCAL_DIR / "static"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"

# Web
PROCESS_ROLE = env.choice("PROCESS_ROLE", "cli", ("web", "worker", "control", "beat", "flower", "cli"))
WEB_HOST = env.text("WEB_HOST", "127.0.0.1")
WEB_PORT = env.port("WEB_PORT", 8000)
WEB_CONCURRENCY = env.whole("WEB_CONCURRENCY", 2, at_least=1, at_most=64)
WEB_MAX_TURNS_IN_PROGRESS = env.whole("WEB_MAX_TURNS_IN_PROGRESS", 200, at_least=1)
CHAT_RATE_PER_MINUTE = env.whole("CHAT_RATE_PER_MINUTE", 600, at_least=1)
CHAT_BODY_MAX_BYTES = 64 * 1024
BODY_MAX_BYTES = 2 * 1024 * 1024  # of every other request
METRICS_TOKEN = env.text("METRICS_TOKEN")
METRICS_HOST = env.text("METRICS_HOST", "127.0.0.1")

# HTTPS. A proxy ends TLS; what it says of scheme and client is believed of it alone (uvicorn replaces both).
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
HTTPS_ONLY = env.flag("HTTPS_ONLY", default=False)
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^api/metrics/$"]  # asked from inside, without the proxy
SECURE_HSTS_SECONDS = env.whole("HSTS_SECONDS", 365 * 24 * 3600, at_most=bounds.HSTS_SECONDS) if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("HSTS_INCLUDE_SUBDOMAINS", default=True)
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # to be preloaded is asked of browsers' makers, for a whole domain
CSRF_COOKIE_HTTPONLY = True  # forms carry the token themselves
SESSION_COOKIE_AGE = 12 * 3600  # an operator's day

# Memory of each process: one that holds more ends after what it has in hand, and is started anew. 0: no limit
PROCESS_MAX_MEMORY_MB = env.whole("PROCESS_MAX_MEMORY_MB", 1_024, at_most=bounds.MEGABYTES)
PROCESS_MEMORY_CHECK_SECONDS = env.whole("PROCESS_MEMORY_CHECK_SECONDS", 30, at_least=1, at_most=3_600)

# Database
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(env.text("DATABASE_URL", f"sqlite:///{LOCAL_DIR / 'db.sqlite3'}"))
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    LOCAL_DIR.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["TEST"] = {"NAME": LOCAL_DIR / "test.sqlite3"}  # a file: tests have threads and processes
    # WAL lets readers go on beside the one writer; IMMEDIATE takes the write lock up front, so that two
    # read-then-write transactions wait for each other instead of failing with "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        # What is deleted is overwritten in the file, not only unlinked: erased means gone.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    }
else:
    # Under ASGI every request has threads of its own: persistent connections leak, a pool does not. A worker needs one
    # for each of its 20 slots, which keep theirs while they wait for Zep.
    POOL_SIZE = 24 if PROCESS_ROLE == "worker" else 8
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # a restarted server is noticed before a turn is
    DATABASES["default"]["OPTIONS"] = {
        **DATABASES["default"].get("OPTIONS", {}),
        "pool": {
            "min_size": 1,
            "max_size": env.whole("DATABASE_POOL_SIZE", POOL_SIZE, at_least=1, at_most=1_000),
            "timeout": 5,
        },
        "connect_timeout": 5,
        # On the web a database that hangs is an error after seconds; workers and migrations may take their time.
        **({"options": "-c statement_timeout=5000 -c lock_timeout=3000"} if PROCESS_ROLE == "web" else {}),
    }

# Redis
REDIS_SCHEMES = ("redis", "rediss")
REDIS_URL = env.url("REDIS_URL", "redis://127.0.0.1:6379/0", schemes=REDIS_SCHEMES)
CACHE_REDIS_URL = env.url("CACHE_REDIS_URL", REDIS_URL, schemes=REDIS_SCHEMES)
# What one exchange with Redis may take: from a turn 20 ms, then it goes on without; a worker can wait.
REDIS_BUDGET_MS = 20 if PROCESS_ROLE == "web" else 500
REDIS_PAUSE_MS = 500  # how long a process leaves a failing Redis alone before one caller tries it again

# Zep
FLAG_ZEP_READ = env.flag("FLAG_ZEP_READ", default=False)
FLAG_ZEP_WRITE = env.flag("FLAG_ZEP_WRITE", default=False)
ZEP_BACKEND = env.choice("ZEP_BACKEND", "community", ("community", "cloud"))
ZEP_BASE_URL = env.url("ZEP_BASE_URL", schemes=("http", "https"))
ZEP_API_KEY = env.printable("ZEP_API_KEY")
ZEP_API_URL = env.url("ZEP_API_URL", schemes=("http", "https"))  # zep-python obeys it behind our back: see checks.py
ZEP_READ_BUDGET_MS = env.whole("ZEP_READ_BUDGET_MS", 250, at_least=1, at_most=60_000)
ZEP_WRITE_TIMEOUT_MS = env.whole("ZEP_WRITE_TIMEOUT_MS", 1_500, at_least=1, at_most=60_000)
MEMORY_READ_PERCENT = env.whole("MEMORY_READ_PERCENT", 100, at_least=0, at_most=100)  # of threads, by their hash
CONTEXT_CACHE_SECONDS = 30
CONTEXT_STALE_SECONDS = 600  # how long an old copy is kept, for turns whose read failed

# The guard of reads
MEMORY_DOWNGRADE_THRESHOLD = env.whole("MEMORY_DOWNGRADE_THRESHOLD", 3, at_least=1)
MEMORY_DOWNGRADE_WINDOW_SECONDS = env.whole("MEMORY_DOWNGRADE_WINDOW_SECONDS", 60, at_least=1, at_most=bounds.SECONDS)
MEMORY_DOWNGRADE_HOLD_SECONDS = env.whole("MEMORY_DOWNGRADE_HOLD_SECONDS", 300, at_least=1, at_most=bounds.SECONDS)
MEMORY_DOWNGRADE_MAX_HOLD_SECONDS = env.whole(
    "MEMORY_DOWNGRADE_MAX_HOLD_SECONDS", 3_600, at_least=1, at_most=bounds.SECONDS
)
MEMORY_DOWNGRADE_PROBE_TIMEOUT_MS = env.whole("MEMORY_DOWNGRADE_PROBE_TIMEOUT_MS", 150, at_least=1, at_most=2_000)
MEMORY_DOWNGRADE_MIN_FAILURE_RATIO = env.share("MEMORY_DOWNGRADE_MIN_FAILURE_RATIO", 0.0)
MEMORY_DOWNGRADE_LATENCY_MS = env.whole("MEMORY_DOWNGRADE_LATENCY_MS", 0, at_most=60_000)
MEMORY_PROBE_INTERVAL_SECONDS = env.whole("MEMORY_PROBE_INTERVAL_SECONDS", 10, at_least=1, at_most=3_600)
DISABLE_AUTO_DOWNGRADE = env.flag("DISABLE_AUTO_DOWNGRADE", default=False)
MEMORY_ALERT_WEBHOOK_URL = env.url("MEMORY_ALERT_WEBHOOK_URL", schemes=("http", "https"))

# Personal data
PII_REDACT_EMAIL = env.flag("PII_REDACT_EMAIL", default=True)
PII_REDACT_PHONE = env.flag("PII_REDACT_PHONE", default=True)
PII_REDACT_ADDRESS = env.flag("PII_REDACT_ADDRESS", default=False)
ERASURE_LEDGER = Path(env.text("ERASURE_LEDGER") or LOCAL_DIR / "erasures.jsonl")  # keep it outside the backups
EXPORT_DIR = Path(env.text("EXPORT_DIR") or LOCAL_DIR / "exports")  # shared by web and workers
EXPORT_INLINE_MESSAGES = env.whole("EXPORT_INLINE_MESSAGES", 2_000)  # with more, a task makes the export
EXPORT_KEPT_SECONDS = env.whole("EXPORT_KEPT_SECONDS", 3_600, at_least=60, at_most=bounds.SECONDS)
EXPORTS_PER_HOUR = env.whole("EXPORTS_PER_HOUR", 6, at_least=1)
DATA_CHANGES_PER_HOUR = env.whole("DATA_CHANGES_PER_HOUR", 60, at_least=1)  # threads erased, memory switched
FACTS_PER_MINUTE = env.whole("FACTS_PER_MINUTE", 20, at_least=1)

# Archives
ARCHIVE_MAX_MESSAGES_IN_MEMORY = env.whole("ARCHIVE_MAX_MESSAGES_IN_MEMORY", 50, at_least=1)
ARCHIVE_THRESHOLD = env.whole("ARCHIVE_THRESHOLD", 100, at_least=1)
ARCHIVE_HOURS = env.decimal("ARCHIVE_HOURS", 1.0, above=0.0, at_most=bounds.HOURS)
ARCHIVE_RECENT_CONTEXT_WINDOW = env.whole("ARCHIVE_RECENT_CONTEXT_WINDOW", 10, at_least=2)
SESSION_IDLE_DAYS = env.decimal("SESSION_IDLE_DAYS", 30.0, above=0.0, at_most=bounds.DAYS)
ARCHIVE_RETENTION_DAYS = env.whole("ARCHIVE_RETENTION_DAYS", 0, at_most=bounds.DAYS)  # 0: archives are kept
ARCHIVE_INTERVAL_SECONDS = env.whole("ARCHIVE_INTERVAL_SECONDS", 60, at_least=1, at_most=3_600)
ARCHIVE_ENCRYPTION = env.flag("ARCHIVE_ENCRYPTION", default=not DEBUG)
ARCHIVE_ENCRYPTION_KEY = env.fernet_keys("ARCHIVE_ENCRYPTION_KEY")  # the first encrypts, all decrypt
ARCHIVE_STORAGE = env.choice("ARCHIVE_STORAGE", "local", ("local", "s3"))
ARCHIVE_DIR = Path(env.text("ARCHIVE_DIR") or LOCAL_DIR / "archive")
ARCHIVE_S3_BUCKET = env.text("ARCHIVE_S3_BUCKET")
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "archive": {"BACKEND": "assistant.archive.storage.LocalFolder", "OPTIONS": {"location": str(ARCHIVE_DIR)}},
}
if ARCHIVE_STORAGE == "s3":  # keys from the environment, a profile or the machine's role, as boto3 finds them
    STORAGES["archive"] = {
        "BACKEND": "assistant.archive.s3.Bucket",
        "OPTIONS": {
            "bucket_name": ARCHIVE_S3_BUCKET,
            "location": env.text("ARCHIVE_S3_PREFIX"),
            "endpoint_url": env.url("ARCHIVE_S3_ENDPOINT_URL", schemes=("http", "https")) or None,
            "region_name": env.text("ARCHIVE_S3_REGION") or None,
            "default_acl": None,
            "file_overwrite": False,
            "querystring_auth": True,
        },
    }

# Celery
WORKER_METRICS_PORT = env.port("WORKER_METRICS_PORT", 9808)
CONTROL_METRICS_PORT = env.port("CONTROL_METRICS_PORT", 9809)
CELERY_BROKER_URL = env.url("CELERY_BROKER_URL", REDIS_URL, schemes=("redis", "rediss", "amqp", "amqps", "pyamqp"))
CELERY_TASK_QUEUES = [
    Queue(name, Exchange(name), routing_key=name) for name in ("mirror", "archive", "default", "control")
]
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_DEFAULT_EXCHANGE = "default"
CELERY_TASK_DEFAULT_ROUTING_KEY = "default"
CELERY_TASK_ROUTES = {
    "assistant.tasks.*": {"queue": "mirror"},
    "workers.sweep.*": {"queue": "control"},
    "workers.guard.*": {"queue": "control"},
    "workers.alerts.*": {"queue": "default"},
    "workers.housekeeping.*": {"queue": "default"},
    "workers.drills.*": {"queue": "default"},
    "workers.archive.*": {"queue": "archive"},
    "workers.personal_data.*": {"queue": "archive"},
}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True  # a task whose worker dies is delivered again
CELERY_TASK_REJECT_ON_WORKER_LOST = True  # without it a killed child's task is lost (measured)
CELERY_TASK_PUBLISH_RETRY = False  # the row is the truth, the sweep is the retry
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = True  # Flower shows what runs
CELERY_TASK_SEND_SENT_EVENT = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker outlives any broker outage
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(LOCAL_DIR / "beat-schedule")
SWEEP_INTERVAL_SECONDS = 10
HOUSEKEEPING_INTERVAL_SECONDS = 3_600
# No `expires`: it is a time of beat's clock, and a control host whose clock is ahead would run none (measured). Ticks
# that pile up while the control worker is away cost milliseconds each.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep": {"task": "workers.sweep.sweep", "schedule": SWEEP_INTERVAL_SECONDS},
    "guard": {"task": "workers.guard.tick", "schedule": MEMORY_PROBE_INTERVAL_SECONDS},
    "housekeeping": {"task": "workers.housekeeping.tidy", "schedule": HOUSEKEEPING_INTERVAL_SECONDS},
    "archive": {"task": "workers.archive.archive_due", "schedule": ARCHIVE_INTERVAL_SECONDS},
    "archive retention": {"task": "workers.archive.expire_archives", "schedule": 3_600},
    "personal data": {"task": "workers.personal_data.tend", "schedule": 60},
}
DRILLS_ENABLED = env.flag("DRILLS_ENABLED", default=False)
if DRILLS_ENABLED:  # each once an hour, five minutes apart: they run one at a time
    CELERY_BEAT_SCHEDULE |= {
        f"drill-{drill}": {
            "task": "workers.drills.run_drill",
            "args": (drill,),
            "schedule": crontab(minute=str(place * 60 // len(DRILLS))),
        }
        for place, drill in enumerate(DRILLS)
    }
if PROCESS_ROLE == "web":
    # Publishing may hold a turn for about 50 ms when Redis hangs, 2 ms when it refuses (measured); never longer.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 0.05, "socket_connect_timeout": 0.05, "max_retries": 0}
elif PROCESS_ROLE == "cli":  # a command says that the broker does not answer, it does not hang
    CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 2, "socket_connect_timeout": 2, "max_retries": 0}
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 300,
        # kombu looks for lost deliveries every 10 s x 10 by default: up to 100 s on top of the timeout (measured).
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }
NUDGE_BUDGET_MS = 50
BROKER_PAUSE_MS = 5_000  # how long a process leaves a failing broker alone before one publication tries it again
MIRROR_BACKLOG_DRAINERS = env.whole("MIRROR_BACKLOG_DRAINERS", 8, at_least=1)  # of a worker's 20 slots

# Tracing: the exporter reads the standard OTEL_… variables itself
OTEL_ENABLED = env.flag("OTEL_ENABLED", default=False) and not env.flag("OTEL_SDK_DISABLED", default=False)
OTEL_SERVICE_NAME = env.text("OTEL_SERVICE_NAME", f"easy-islanders-{PROCESS_ROLE}")
OTEL_ENDPOINT = env.url(
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    env.url("OTEL_EXPORTER_OTLP_ENDPOINT", schemes=("http", "https")),
    schemes=("http", "https"),
)
OTEL_MODULES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")  # of the extra `otel`
OTEL_IS_INSTALLED = OTEL_ENABLED and all(map(env.is_importable, OTEL_MODULES))
TRACED_ROLES = ("web", "worker", "control")  # a command does not wait for a collector when it ends
OTEL_IS_USABLE = OTEL_IS_INSTALLED and bool(OTEL_ENDPOINT) and PROCESS_ROLE in TRACED_ROLES

# Logs: to the console in the format asked for, and as JSON to a file that rotates (LOG_FILE_MAX_BYTES=0: to none)
LOG_FORMAT = env.choice("LOG_FORMAT", "json", ("json", "readable"))
LOG_FILE_MAX_BYTES = env.whole("LOG_FILE_MAX_BYTES", 10_000_000)
LOG_FILE_BACKUPS = env.whole("LOG_FILE_BACKUPS", 5, at_least=1, at_most=1_000)
LOG_HANDLERS: dict[str, dict[str, Any]] = {
    "console": {
        "class": "logging.StreamHandler",
        # A command's standard output is its result, which scripts read.
        "stream": "ext://sys.stderr" if PROCESS_ROLE == "cli" else "ext://sys.stdout",
        "formatter": LOG_FORMAT,
        "filters": ["foreign"],
    }
}
if LOG_FILE_MAX_BYTES:
    LOG_HANDLERS["file"] = {
        "()": "assistant.monitoring.logs.rotating_file",
        "path": LOCAL_DIR / "logs" / f"{PROCESS_ROLE}.log",
        "max_bytes": LOG_FILE_MAX_BYTES,
        "backups": LOG_FILE_BACKUPS,
        "formatter": "json",
        "filters": ["foreign"],
    }
LOGGING_CONFIG = "assistant.monitoring.logs.configure"
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        name: {"()": f"assistant.monitoring.logs.{name}_formatter"} for name in ("json", "readable")
    },
    "filters": {"foreign": {"()": "assistant.monitoring.foreign_logs.WithoutForeignText"}},
    "handlers": LOG_HANDLERS,
    "root": {"handlers": list(LOG_HANDLERS), "level": "INFO"},
    "loggers": {
        # They log full URLs, or a line for each request or task; our own events say what happened.
        "axes": {"level": "CRITICAL"},  # names and addresses of who tries to log in; `admin_log_in_locked` says it
        "django.request": {"level": "ERROR"},
        **{
            name: {"level": "WARNING"}
            for name in (
                "httpx", "httpcore", "aiohttp", "uvicorn.access", "celery.app.trace", "celery.worker", "kombu", "amqp",
                "redis", "tornado", "urllib3", "opentelemetry", "flower",
            )
        },
    },
}  # fmt: skip
