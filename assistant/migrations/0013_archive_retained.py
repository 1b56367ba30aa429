from django.db import migrations, models

from assistant.online import AddIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('assistant', '0012_retained_since_before'),
    ]

    operations = [
        AddIndexOnline(
            model_name='archive',
            index=models.Index(condition=models.Q(('state', 'stored')), fields=['retained_since'], name='archive_retained'),
        ),
    ]
