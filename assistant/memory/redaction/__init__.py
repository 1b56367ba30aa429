"""How e-mails, phones and addresses are found in text: the parts behind `assistant.memory.pii`, its only caller."""
