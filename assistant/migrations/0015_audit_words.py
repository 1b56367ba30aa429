import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assistant', '0014_archive_stored_unused'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditentry',
            name='words_listed',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.CreateModel(
            name='AuditWord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('word', models.CharField(max_length=254)),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='words', to='assistant.auditentry')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('word', 'entry'), name='audit_word_once')],
            },
        ),
    ]
