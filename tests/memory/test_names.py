"""Names that scripts and other packages import stay where they are."""

import importlib

import pytest

NAMES = {
    "assistant.memory.flags": (
        "MemoryMode base_mode current_mode effective_mode EffectiveMode get_forced_mode force_write_only"
        " clear_forced_mode increment_consecutive_failures reset_consecutive_failures acquire_probe_lock"
        " release_probe_lock FORCED_MODE_KEY CONSECUTIVE_FAILURES_KEY PROBE_LOCK_KEY DEFAULT_HOLD_SECONDS"
        " CONSECUTIVE_FAILURES_THRESHOLD"
    ),
    "assistant.memory.service": "fetch_thread_context fetch_thread_context_async invalidate_context",
    "assistant.memory.zep_client": "ZepRequestError",
    "assistant.memory.pii": "redact_emails redact_phones redact_addresses redact_pii",
    "assistant.monitoring.metrics": (
        "set_memory_mode_gauge inc_memory_redaction inc_memory_context_failure inc_memory_downgrade warm_metrics"
    ),
}


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in NAMES.items() for name in names.split()]
)
def test_it_is_there(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)
