from django.db import migrations
from django.db.models import F

ARCHIVES_AT_ONCE = 1_000


def count_from_the_first(apps, schema_editor):
    """Archives from before: kept since they were made, or since an earlier archive of the same messages was."""
    archives = apps.get_model("assistant", "Archive").objects
    messages = apps.get_model("assistant", "Message").objects
    last = 0
    while ids := list(archives.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:ARCHIVES_AT_ONCE]):
        archives.filter(pk__in=ids, retained_since__gt=F("created_at")).update(retained_since=F("created_at"))
        last = ids[-1]
    for restored in archives.filter(state="restored").order_by("created_at", "pk").iterator():
        thread, since = restored.thread_id, restored.created_at
        held = {"sequence__gte": restored.first_sequence, "sequence__lte": restored.last_sequence}
        messages.filter(thread=thread, archive=None, retained_since=None, **held).update(retained_since=since)
        again = {"first_sequence__lte": restored.last_sequence, "last_sequence__gte": restored.first_sequence}
        archives.filter(thread=thread, state="stored", retained_since__gt=since, **again).update(retained_since=since)


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('assistant', '0011_message_retained_since'),
    ]

    operations = [
        migrations.RunPython(count_from_the_first, migrations.RunPython.noop, elidable=True),
    ]
