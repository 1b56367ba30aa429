from django.db import migrations, models

from assistant.online import AddIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('assistant', '0016_erasure_names'),
    ]

    operations = [
        AddIndexOnline(
            model_name='auditentry',
            index=models.Index(condition=models.Q(('words_listed', False)), fields=['id'], name='audit_unlisted'),
        ),
    ]
