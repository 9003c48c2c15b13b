"""The writer of charts: what is drawn is well-formed XML whatever the words, and has its attributes as given."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from unseen.evaluation.svg_drawing import SvgDrawing

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("words", ["a < b & c", '"quoted"', "it's", "<script>alert(1)</script>", "≤ 5 %"])
def test_words_are_escaped_wherever_they_stand(words: str) -> None:
    drawing = SvgDrawing()
    drawing.text(1.0, 2.0, words, class_=words)
    inline = ElementTree.fromstring(drawing.inline(10, 10, label=words))
    assert inline.get("aria-label") == words and inline[0].get("class") == inline[0].text == words
    file = ElementTree.fromstring(drawing.file(10, 9.2, shown=20, title=words))
    assert file.findtext(f"{SVG}title") == words and file.findtext(f"{SVG}text") == words
    assert (file.get("viewBox"), file.get("width"), file.get("height")) == ("0 0 10 10", "20", "20")


def test_attributes_are_as_given_and_none_is_left_out() -> None:
    drawing = SvgDrawing()
    drawing.line(0.04, 1, 2.06, 3, stroke_width="1.6", stroke_dasharray=None)
    drawing.curve([(0.0, 1.25), (2.0, 3.0)], fill="none")
    drawing.area([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)], class_="band")
    line, curve, area = ElementTree.fromstring(drawing.inline(10, 10, label="a"))
    assert line.attrib == {"x1": "0.0", "y1": "1", "x2": "2.1", "y2": "3", "stroke-width": "1.6"}
    assert curve.attrib == {"points": "0.0,1.2 2.0,3.0", "fill": "none"}
    assert area.attrib == {"points": "0.0,0.0 1.0,0.0 1.0,1.0", "class": "band"}
