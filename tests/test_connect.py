"""The settings lead to the right server, with the right key, in the right form; and the doctor can ask it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.errors import ParleyError
from bot.models.connect import Endpoint, connect
from bot.models.port import Model, ModelError
from tests.model_calls import asking, hear
from tests.simulators.openai import OpenAISimulator
from tests.simulators.serve import serve

KEY = "simulated-azure-key"


@pytest.fixture(autouse=True)
def _settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SDK would read from the environment by itself must not matter."""
    for name in ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "OPENAI_API_VERSION"):
        monkeypatch.setenv(name, "wrong")


@asynccontextmanager
async def at(openai: OpenAISimulator, **endpoint: Any) -> AsyncIterator[Model]:
    """A model whose endpoint's `{url}` is the simulator."""
    async with serve(openai.app) as url:
        model = connect(Endpoint(**{name: value.format(url=url) for name, value in endpoint.items()}))
        try:
            yield model
        finally:
            await model.close()
    openai.assert_done()


async def test_without_a_key_or_an_address_the_demo_answers() -> None:
    model = connect(Endpoint())
    assert type(model).__name__ == "DemoModel"
    await model.close()


async def test_a_key_alone_leads_to_openai() -> None:
    model: Any = connect(Endpoint(api_key="sk-simulated-key"))
    assert str(model._client.base_url) == "https://api.openai.com/v1/"
    await model.close()


def test_keys_do_not_show() -> None:
    assert "secret" not in repr(Endpoint(api_key="secret", azure_api_key="secret"))


async def test_a_server_of_ones_own_needs_no_key() -> None:
    openai = OpenAISimulator()
    openai.say("Cold.")
    async with at(openai, api="chat", base_url="{url}/v1") as model:
        await hear(model, asking())
    assert openai.requests[0].headers["authorization"] == "Bearer none"


async def test_requests_are_not_repeated_by_the_sdk() -> None:
    openai = OpenAISimulator()
    openai.error(503)
    async with at(openai, base_url="{url}/v1") as model:
        with pytest.raises(ModelError):
            await hear(model, asking())
    assert len(openai.requests) == 1


AZURE = {"azure_endpoint": "{url}", "azure_api_key": KEY}
FROM_THE_ENVIRONMENT = ("openai-organization", "openai-project", "x-team")


@pytest.fixture
def _for_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Team: us\nOpenAI-Organization: org\nAuthorization: Bearer theirs")


@pytest.mark.usefixtures("_for_openai")
@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"base_url": "{url}/v1", "api_key": "ours"}, ("authorization", "Bearer ours")),
        (AZURE, ("api-key", KEY)),
        ({**AZURE, "api_version": "2025-04-01-preview"}, ("api-key", KEY)),
    ],
    ids=["compatible", "v1", "dated"],
)
async def test_what_the_environment_says_to_openai_stays_from_others(
    settings: dict[str, str], key: tuple[str, str]
) -> None:
    openai = OpenAISimulator()
    openai.say("Cold.")
    async with at(openai, **settings) as model:
        await hear(model, asking())
    sent = openai.requests[0].headers
    assert ([name for name in FROM_THE_ENVIRONMENT if name in sent], sent[key[0]]) == ([], key[1])
    assert "theirs" not in str(sent)


@pytest.mark.usefixtures("_for_openai")
async def test_openai_itself_hears_the_organisation_and_project_of_the_environment() -> None:
    model: Any = connect(Endpoint(api_key="sk-simulated-key"))
    assert (model._client.organization, model._client.project) == ("org", "project")
    await model.close()


@pytest.mark.parametrize(
    ("api", "path"),
    [("responses", "/openai/responses"), ("chat", "/openai/deployments/gpt-5.5/chat/completions")],
)
async def test_azure_with_an_api_version_takes_the_dated_form(api: str, path: str) -> None:
    openai = OpenAISimulator(key=KEY)
    openai.say("Cold.")
    settings = {"azure_endpoint": "{url}/", "azure_api_key": KEY, "api_version": "2025-04-01-preview"}
    async with at(openai, api=api, api_key="sk-unused-key", **settings) as model:
        assert (await hear(model, asking()))[1].text == "Cold."
    request = openai.requests[0]
    assert (request.path, dict(request.query)) == (path, {"api-version": "2025-04-01-preview"})
    assert (request.headers["api-key"], "authorization" in request.headers) == (KEY, False)


@pytest.mark.parametrize("api", ["responses", "chat"])
@pytest.mark.parametrize(
    "settings",
    [
        {"azure_endpoint": "{url}"},
        {"azure_endpoint": "{url}/openai"},
        {"azure_endpoint": "{url}/openai/v1/", "api_version": "2025-04-01-preview"},
    ],
    ids=["resource", "openai", "v1"],
)
async def test_azure_without_a_version_takes_the_v1_form(api: str, settings: dict[str, str]) -> None:
    openai = OpenAISimulator(key=KEY)
    openai.say("Cold.")
    async with at(openai, api=api, azure_api_key=KEY, **settings) as model:
        assert (await hear(model, asking()))[1].text == "Cold."
    request = openai.requests[0]
    assert (request.azure, dict(request.query), request.headers["api-key"]) == ("v1", {}, KEY)


def test_azure_without_its_key_is_refused_with_a_sentence() -> None:
    with pytest.raises(ParleyError, match="AZURE_OPENAI_API_KEY is not"):
        connect(Endpoint(azure_endpoint="https://example.openai.azure.com", api_key="sk-simulated-key"))


async def test_the_doctor_hears_that_the_model_is_known() -> None:
    async with at(OpenAISimulator(models=["gpt-5.5"]), base_url="{url}/v1") as model:
        assert await model.check("gpt-5.5") == "The model endpoint at 127.0.0.1 answers and knows 'gpt-5.5'."


async def test_a_server_that_only_lists_its_models_is_asked_for_the_list() -> None:
    openai = OpenAISimulator(models=["llama4:latest", "meta/llama"], lists="all")
    async with at(openai, api="chat", base_url="{url}/v1") as model:
        for name in ("llama4", "meta/llama"):
            assert (await model.check(name)).endswith(f" answers and knows '{name}'.")


async def test_a_model_that_is_not_offered_is_named_with_those_that_are() -> None:
    async with at(OpenAISimulator(models=["b", "a"]), base_url="{url}/v1") as model:
        with pytest.raises(ModelError) as caught:
            await model.check("c")
    assert caught.value.sentence.startswith("There is no model 'c'")
    assert caught.value.sentence.endswith("It offers: a, b.")


async def test_a_server_that_lists_nothing_is_taken_at_its_word() -> None:
    async with at(OpenAISimulator(models=[]), base_url="{url}/v1") as model:
        assert "lists no models" in await model.check("anything")


@pytest.mark.parametrize("lists", ["none", "page"])
async def test_an_address_without_the_api_is_no_endpoint(lists: Any) -> None:
    async with at(OpenAISimulator(lists=lists), base_url="{url}/v1") as model:
        with pytest.raises(ModelError) as caught:
            await model.check("gpt-5.5")
    assert caught.value.sentence.startswith("Nothing of the OpenAI API answers at http://127.0.0.1:")
    assert caught.value.sentence.endswith("/v1. Please check the address.")


async def test_an_address_that_lacks_its_v1_is_asked_about() -> None:
    async with at(OpenAISimulator(), base_url="{url}") as model:
        with pytest.raises(ModelError) as caught:
            await model.check("gpt-5.5")
    assert caught.value.sentence.endswith(" Please check the address. Should it end in /v1?")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"error": "Unexpected endpoint or method."}, "Nothing of the OpenAI API"),
        ({"id": 7, "data": None}, "lists no models"),
        ({"id": "gpt-5.5", "error": {"message": "Gone."}}, "Nothing of the OpenAI API"),
        ({"data": "gpt-5.5"}, "Nothing of the OpenAI API"),
        ({"data": [None, "gpt-5.5", {"id": None}, {"id": "gpt-4"}]}, "It offers: gpt-4."),
        ([{"id": "gpt-5.5"}], "knows 'gpt-5.5'"),
        (None, "Nothing of the OpenAI API"),
    ],
)
async def test_an_answer_of_another_form_is_never_an_exception(answer: Any, found: str) -> None:
    async def same(_: Request) -> JSONResponse:
        return JSONResponse(answer)

    async with serve(Starlette(routes=[Route("/{path:path}", same)])) as url:
        model = connect(Endpoint(base_url=f"{url}/v1"))
        try:
            said = await model.check("gpt-5.5")
        except ModelError as error:
            said = error.sentence
        await model.close()
    assert found in said


@pytest.mark.parametrize("version", [{}, {"api_version": "2025-04-01-preview"}], ids=["v1", "dated"])
async def test_azure_cannot_be_asked_for_deployments(version: dict[str, str]) -> None:
    openai = OpenAISimulator(key=KEY)
    async with at(openai, azure_endpoint="{url}", azure_api_key=KEY, **version) as model:
        assert "does not list deployments" in await model.check("our-deployment")


async def test_a_wrong_key_is_found_by_the_doctor() -> None:
    async with at(OpenAISimulator(key="sk-right-key"), base_url="{url}/v1", api_key="sk-wrong-key") as model:
        with pytest.raises(ModelError, match="invalid_api_key") as caught:
            await model.check("gpt-5.5")
    assert "sk-wrong-key" not in str(caught.value)
