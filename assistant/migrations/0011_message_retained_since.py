from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assistant', '0010_archive_retained_since'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='retained_since',
            field=models.DateTimeField(blank=True, help_text='When its text was first archived; null: it never came back from an archive.', null=True),
        ),
    ]
