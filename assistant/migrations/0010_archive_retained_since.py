import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assistant', '0009_drill_outcomes'),
    ]

    operations = [
        migrations.AddField(
            model_name='archive',
            name='retained_since',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, help_text='When what it holds was first archived: its time counts from then.'),
        ),
    ]
