from django.db import migrations

from assistant.online import RemoveIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('assistant', '0013_archive_retained'),
    ]

    operations = [
        RemoveIndexOnline(
            model_name='archive',
            name='archive_stored',
        ),
    ]
