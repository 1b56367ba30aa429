from django.db import migrations, models
from django.db.models.functions import Coalesce

THREADS_AT_ONCE = 1_000


def count_messages(apps, schema_editor):
    """Threads from before archives: all their messages are hot. In batches, so that no turn waits for long."""
    threads = apps.get_model("assistant", "Thread").objects
    message = apps.get_model("assistant", "Message").objects.filter(thread=models.OuterRef("pk")).order_by()
    counted = message.values("thread").annotate(n=models.Count("pk")).values("n")
    newest = message.values("thread").annotate(at=models.Max("created_at")).values("at")
    last = ""
    while ids := list(threads.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:THREADS_AT_ONCE]):
        threads.filter(pk__in=ids, archived_through=0).update(
            hot_messages=Coalesce(models.Subquery(counted), 0), last_message_at=models.Subquery(newest)
        )
        last = ids[-1]


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('assistant', '0007_online_indexes'),
    ]

    operations = [
        migrations.RunPython(count_messages, migrations.RunPython.noop, elidable=True),
    ]
