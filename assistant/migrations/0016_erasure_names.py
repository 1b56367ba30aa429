from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assistant', '0015_audit_words'),
    ]

    operations = [
        migrations.AddField(
            model_name='erasure',
            name='names',
            field=models.JSONField(help_text='What the person was called, until nothing bears it any more.', null=True),
        ),
        migrations.AlterField(
            model_name='erasure',
            name='failure',
            field=models.CharField(blank=True, default='', help_text='Which step failed last, and why.', max_length=100),
        ),
    ]
