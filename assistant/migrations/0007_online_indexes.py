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
        AddIndexOnline(
            model_name='thread',
            index=models.Index(condition=models.Q(('hot_messages__gt', 0)), fields=['hot_messages'], name='thread_hot'),
        ),
        AddIndexOnline(
            model_name='thread',
            index=models.Index(condition=models.Q(('hot_messages__gt', 0)), fields=['last_message_at'], name='thread_silent'),
        ),
        AddIndexOnline(
            model_name='message',
            index=models.Index(condition=models.Q(('archive__isnull', False)), fields=['archive'], name='message_archived'),
        ),
    ]
