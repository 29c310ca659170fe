"""The page of a seat: what it perceives, and the form of what it is asked."""

import gradio as gr

from simlab.apps.asking import form_of_question, reply_of
from simlab.apps.filled import answer_of
from simlab.apps.pages.form import form_inputs
from simlab.apps.pages.wiring import QUIET, refusing
from simlab.apps.questions import OpenQuestion
from simlab.apps.seats import Seats
from simlab.errors import UnfitAnswerError


def seat_page(seats: Seats) -> None:
    """The parts of the page; our script fills two of them, and has the form made anew.

    The script presses hidden buttons when there is a new question. What these write into a hidden
    text, first nothing and then the link and the question's key, is what the form is made of: as
    long as it is the same, nothing of the form is touched.
    """
    with gr.Row(elem_classes="seat-page", equal_height=False):
        with gr.Column(scale=3, min_width=320, elem_classes="seat-seen"):
            gr.HTML("<simlab-seat></simlab-seat>", container=False, padding=False)
        with gr.Column(scale=2, min_width=320, elem_classes="seat-side"):
            gr.HTML("<simlab-turn></simlab-turn>", container=False, padding=False)
            asked = gr.Textbox(visible="hidden", elem_id="seat-asked", label="asked")
            ask = gr.Button("Ask", visible="hidden", elem_id="seat-ask")
            clear = gr.Button("Clear", visible="hidden", elem_id="seat-clear")
            with gr.Column(elem_id="seat-form"):
                _form(seats, asked)
            leave = gr.Button("Leave the seat", elem_id="seat-leave", size="sm")

    @refusing
    async def key_of_question(request: gr.Request) -> str:
        session = await seats.session(_token(request))
        question = session.questions.current
        return "" if question is None else f"{_token(request)} {question.key}"

    @refusing
    async def leave_seat(request: gr.Request) -> None:
        await (await seats.session(_token(request))).leave()

    ask.click(key_of_question, None, asked, **QUIET)
    clear.click(None, None, asked, js="() => ''", **QUIET)
    leave.click(leave_seat, **QUIET)


def _form(seats: Seats, asked: gr.Textbox) -> None:
    def form(told: str) -> None:
        token, _, key = told.partition(" ")
        session = seats.sitting(token) if token else None
        question = None if session is None else session.questions.current
        if question is not None and question.key == key:
            _form_of(seats, question)

    gr.render(inputs=asked, triggers=[asked.change], show_progress="hidden")(form)


def _form_of(seats: Seats, question: OpenQuestion) -> None:
    """The inputs of a question, and the buttons that answer it."""
    fields, key = form_of_question(question.what), question.key
    inputs = form_inputs(fields)
    with gr.Row():
        send = gr.Button("Send", variant="primary", elem_id="seat-send")
        wait = gr.Button("Wait", elem_id="seat-wait", visible=question.may_wait)

    @refusing
    async def answer(request: gr.Request, *values: object) -> None:
        session = await seats.session(_token(request))
        try:
            reply = reply_of(question.what, answer_of(fields, values))
        except UnfitAnswerError as error:
            session.refuse(key, error.message)
        else:
            await session.answer(key, reply)

    @refusing
    async def do_nothing(request: gr.Request) -> None:
        await (await seats.session(_token(request))).wait(key)

    send.click(answer, inputs, **QUIET)
    wait.click(do_nothing, **QUIET)


def _token(request: gr.Request) -> str:
    return str(request.path_params["token"])
