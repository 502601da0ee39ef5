"""The app's answers to interactions: the first one, and what follows it over the interaction's token.

https://docs.discord.com/developers/interactions/receiving-and-responding#responding-to-an-interaction
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.discord import announce, payloads, posting, writing
from tests.simulators.discord.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL, Interaction
from tests.simulators.discord.messages import CHAT_COMMAND, CONTEXT_MENU, EPHEMERAL, LOADING, REPLY, Message
from tests.simulators.discord.route import Asked, Route
from tests.simulators.discord.values import JSON, Choice, Refusal, form_error

if TYPE_CHECKING:
    from tests.simulators.discord.world import World

MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, FORM = 4, 5, 6, 7, 8, 9
"""https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type"""
FITTING = {
    COMMAND: {MESSAGE, DEFERRED, FORM},
    COMPONENT: {MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, FORM},
    AUTOCOMPLETE: {CHOICES},
    MODAL: {MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE},
}
MOST_CHOICES, MOST_IN_FORM = 25, 5
INPUT = 4
CALLBACK = "POST /interactions/{interaction_id}/{interaction_token}/callback"
FOLLOWUP = "POST /webhooks/{webhook_id}/{webhook_token}"
ORIGINAL = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original"


def callback(world: World, asked: Asked) -> JSON | None:
    """The first answer, within three seconds; once only."""
    interaction = world.interactions.unanswered(asked.ids["interaction_id"], asked.ids["interaction_token"])
    body = asked.fields
    kind, data = body["type"], body.get("data") or {}
    fits = kind in FITTING.get(interaction.kind, ())
    if not fits or (kind in (DEFERRED_UPDATE, UPDATE) and interaction.source is None):
        raise form_error("type", "INTERACTION_RESPONSE_TYPE_INVALID", f"{kind} is no answer to this interaction")
    message = _first(world, interaction, kind, data, asked)
    interaction.acknowledged_after = interaction.age
    return _told(world, interaction, kind, message) if asked.query.get("with_response") in ("1", "true") else None


def follow_up(world: World, asked: Asked) -> JSON:
    """A further message; right after a deferral it becomes the message that was deferred."""
    interaction = _interaction(world, asked)
    original = interaction.original
    if original and original.loading and not original.deleted:
        return _edit(world, original, asked)
    message = _new(world, interaction, asked.fields, asked)
    _show(world, interaction, message)
    return payloads.message(world, message)


def get(world: World, asked: Asked) -> JSON:
    return payloads.message(world, _message(world, asked))


def edit(world: World, asked: Asked) -> JSON:
    return _edit(world, _message(world, asked), asked)


def delete(world: World, asked: Asked) -> None:
    posting.remove(world, _message(world, asked))


def _first(world: World, interaction: Interaction, kind: int, data: JSON, asked: Asked) -> Message | None:
    """Do what the first answer says; the message that it made or changed, if any."""
    match kind:
        case op if op == MESSAGE:
            message = _new(world, interaction, data, asked)
        case op if op == DEFERRED:
            flags = (data.get("flags") or 0) & EPHEMERAL | LOADING
            message = _blank(world, interaction, flags)
            interaction.deferred = True
        case op if op == UPDATE and interaction.source:
            interaction.original = interaction.source
            _rewrite(world, interaction.source, data, asked)
            return interaction.source
        case op if op == CHOICES:
            interaction.choices = _choices(data)
            return None
        case op if op == FORM:
            interaction.modal = _form(data)
            return None
        case _:
            interaction.original = interaction.source
            return None
    interaction.original, interaction.ephemeral = message, message.ephemeral
    _show(world, interaction, message)
    return message


def _choices(data: JSON) -> list[Choice]:
    choices = data.get("choices") or []
    if len(choices) > MOST_CHOICES:
        raise form_error("data.choices", "BASE_TYPE_MAX_LENGTH", f"Must be {MOST_CHOICES} or fewer in length.")
    return [Choice(choice["name"], choice["value"]) for choice in choices]


def _form(data: JSON) -> JSON:
    """https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object-modal"""
    parts = data["components"]
    if len(parts) > MOST_IN_FORM:
        raise form_error("data.components", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MOST_IN_FORM} in length.")
    fields = [field for part in parts for field in (part.get("components") or [part.get("component")]) if field]
    for field in fields:
        if field["type"] == INPUT and field.get("label") and any(part.get("component") is field for part in parts):
            raise form_error("data.components", "MODAL_LABEL_TWICE", "A text input in a label has no label of its own")
    names = [field["custom_id"] for field in fields]
    if len(set(names)) < len(names):
        raise form_error(
            "data.components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
        )
    return data


def _blank(world: World, interaction: Interaction, flags: int) -> Message:
    message = Message(interaction.channel, world.next_id(), world.me, created=world.now(), flags=flags)
    message.webhook = world.app_id
    message.only_for = interaction.person if flags & EPHEMERAL else None
    user = payloads.user(interaction.person)
    owners = {"0": interaction.channel.guild.id if interaction.channel.guild else "0"}
    about: JSON = {
        "id": interaction.id,
        "type": interaction.kind,
        "user": user,
        "authorizing_integration_owners": owners,
    }
    if interaction.command:
        about["name"] = interaction.command
    message.interaction = about
    if interaction.kind == COMMAND:
        message.kind = CHAT_COMMAND if not interaction.target else CONTEXT_MENU
    elif interaction.source:
        message.kind, message.reply_to = REPLY, interaction.source
    return message


def _new(world: World, interaction: Interaction, body: JSON, asked: Asked) -> Message:
    message = _blank(world, interaction, (body.get("flags") or 0) & EPHEMERAL)
    writing.write(world, message, body, asked, new=True)
    if interaction.original and interaction.original is not interaction.source:
        message.kind, message.reply_to = REPLY, interaction.original
    return message


def _show(world: World, interaction: Interaction, message: Message) -> None:
    interaction.responses.append(message)
    posting.publish(world, message)


def _edit(world: World, message: Message, asked: Asked) -> JSON:
    _rewrite(world, message, asked.fields, asked)
    return payloads.message(world, message)


def _rewrite(world: World, message: Message, body: JSON, asked: Asked) -> None:
    """Ephemeral messages stay so, whatever the flags say."""
    fields = (
        {**body, "flags": (body["flags"] or 0) & ~EPHEMERAL | message.flags & EPHEMERAL} if "flags" in body else body
    )
    writing.write(world, message, fields, asked, new=message.loading)
    message.flags &= ~LOADING
    announce.changed(world, message)
    posting.noted(world, message)


def _interaction(world: World, asked: Asked) -> Interaction:
    return world.interactions.answered(asked.ids["webhook_id"], asked.ids["webhook_token"])


def _message(world: World, asked: Asked) -> Message:
    """The message of a token that a call is about. Raises `Refusal`."""
    interaction = _interaction(world, asked)
    id_ = asked.ids.get("message_id", "@original")
    found = [one for one in (interaction.original, *interaction.responses) if one and id_ in (one.id, "@original")]
    if not found and id_ == "@original":
        raise Refusal(10015)
    if not found or found[0].deleted:
        raise Refusal(10008)
    return found[0]


def _told(world: World, interaction: Interaction, kind: int, message: Message | None) -> JSON:
    """https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-callback"""
    about: JSON = {"id": interaction.id, "type": interaction.kind}
    if message is None:
        return {"interaction": about, "resource": {"type": kind}} if kind == FORM else {"interaction": about}
    about |= {"response_message_id": message.id, "response_message_loading": message.loading}
    about["response_message_ephemeral"] = message.ephemeral
    resource: JSON = {"type": kind}
    if kind in (MESSAGE, UPDATE):
        resource["message"] = payloads.message(world, message)
    return {"interaction": about, "resource": resource}


ROUTES = {
    CALLBACK: Route(callback, token=False),
    FOLLOWUP: Route(follow_up, "webhooks", token=False),
    "GET /webhooks/{webhook_id}/{webhook_token}/messages/@original": Route(get, "webhooks", token=False),
    ORIGINAL: Route(edit, "webhooks", token=False),
    "DELETE /webhooks/{webhook_id}/{webhook_token}/messages/@original": Route(delete, "webhooks", token=False),
    "GET /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}": Route(get, "webhooks", token=False),
    "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}": Route(edit, "webhooks", token=False),
    "DELETE /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}": Route(delete, "webhooks", token=False),
}
