from django.db import migrations, models

from assistant.online import AddIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('assistant', '0006_drills'),
    ]

    operations = [
        AddIndexOnline(
            model_name='thread',
            index=models.Index(fields=['created_at'], name='thread_newest'),
        ),
    ]
