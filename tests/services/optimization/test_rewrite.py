"""Requests for better prompts."""

from promptvault.domain.prompt import Content
from promptvault.domain.variable import Variable
from promptvault.services.optimization.rewrite import Basis, proposal_request
from promptvault.services.optimization.rubric import Score
from tests.services.optimization.test_result import all_get, task


def test_the_author_hears_what_variables_are_and_what_must_stay() -> None:
    variables = (Variable("who", description="Whom to greet"), Variable("how"))
    content = Content("Greet {{ who }} {{ how }}", True, variables)
    asked = (
        proposal_request(task(content), Basis(content.body, all_get(5)))
        .messages[1]
        .content
    )
    assert "- who: Whom to greet" in asked
    assert "- how" not in asked
    assert "{{ who }}\n{{ how }}" in asked


def test_the_worst_criterion_comes_first() -> None:
    rating = {**all_get(7), "context": Score(2, "No background.")}
    asked = proposal_request(task(Content("x")), Basis("x", rating)).messages[1].content
    assert asked.index("- context: 2 of 10. No background.") < asked.index("- clarity")
