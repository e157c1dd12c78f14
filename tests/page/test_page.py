"""The web page in a real browser, against a service that speaks the contract, under a strict content policy."""

import re

import pytest
from playwright.sync_api import FilePayload, Page, expect

from metagauge.contract import JobStatus, Stage
from tests.fakes.answers import ASSUMPTION, HOSTILE, broken, good, outsider
from tests.fakes.served import Served
from tests.page.conftest import Opened

DROP = """
(files) => {
  const data = new DataTransfer();
  for (const [name, text] of files) data.items.add(new File([text], name));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}
"""


def choose(page: Page, content: bytes, name: str = "net.onnx") -> None:
    page.set_input_files("#file", FilePayload(name=name, mimeType="application/octet-stream", buffer=content))


def test_a_chosen_file_ends_as_a_prediction_with_its_interval(opened: Opened):
    choose(opened.page, good(0.612))
    expect(opened.page.locator("#job .figure").first).to_have_text("61.2\u202f%")
    drawing = opened.page.get_by_role("img", name="Test accuracy: 61.2\u202f%, between 56.2\u202f% and 66.2\u202f%")
    low, width = (float(drawing.locator(".range").get_attribute(name) or "nan") for name in ("x", "width"))
    value = float(drawing.locator(".value").get_attribute("x1") or "nan")
    assert low < value < low + width
    expect(opened.page.locator("#job .range-text").first).to_contain_text("nominal 90\u202f% interval")


def test_a_wider_interval_is_drawn_wider(opened: Opened):
    def drawn_width(name: str) -> float:
        return float(opened.page.get_by_role("img", name=name).locator(".range").get_attribute("width") or "nan")

    choose(opened.page, good(0.6))
    expect(opened.page.locator("#job .figure")).to_have_count(2)
    share_of_scale = drawn_width("Test accuracy") / 1.0, drawn_width("Generalization gap") / (1 / 0.75)
    assert share_of_scale[1] / share_of_scale[0] == pytest.approx(0.16 / 0.10, rel=0.01)


def test_every_stage_is_announced_in_order(opened: Opened):
    choose(opened.page, good(0.6))
    expect(opened.page.locator("#job .figure").first).to_be_visible()
    announced = opened.page.evaluate("window.announced")
    assert announced == ["net.onnx: queued", *(f"net.onnx: {stage}" for stage in Stage), "net.onnx: prediction ready"]


def test_without_events_the_job_is_polled(opened: Opened, served: Served):
    served.service.events_work = False
    choose(opened.page, good(0.6))
    expect(opened.page.locator("#job .figure").first).to_be_visible()
    assert any(request.startswith("GET /jobs/job-1") for request in served.service.requests)


def test_with_events_nothing_is_polled(opened: Opened, served: Served):
    choose(opened.page, good(0.6))
    expect(opened.page.locator("#job .figure").first).to_be_visible()
    assert "GET /jobs/job-1" not in served.service.requests


def test_dropped_files_are_told_apart_and_sent_together(opened: Opened, served: Served):
    opened.page.evaluate(DROP, [["net.json", '{"operations": []}'], ["net.safetensors", good(0.6).decode()]])
    expect(opened.page.locator("#job .figure").first).to_be_visible()
    assert served.service.jobs["job-1"].filename == "net.safetensors"
    assert served.service.sidecars["job-1"] == b'{"operations": []}'


def test_an_architecture_goes_with_one_checkpoint_only(opened: Opened, served: Served):
    opened.page.set_input_files("#sidecar", FilePayload(name="net.json", mimeType="application/json", buffer=b"{}"))
    expect(opened.page.locator("#sidecar-name")).to_have_text("net.json goes with the next checkpoint.")
    choose(opened.page, good(0.6))
    expect(opened.page.locator("#job .figure").first).to_have_text("60.0\u202f%")
    choose(opened.page, good(0.7))
    expect(opened.page.locator("#job .figure").first).to_have_text("70.0\u202f%")
    assert served.service.sidecars == {"job-1": b"{}", "job-2": b""}


def test_outside_the_domain_the_reasons_stand_where_the_numbers_would(opened: Opened):
    choose(opened.page, outsider("it has 1000 classes, not 10", "its input is text"))
    opened.page.locator("#job .pill.abstained").wait_for()
    notice = opened.page.locator("#job .notice", has_text="No prediction")
    expect(notice.locator("li")).to_have_text(["it has 1000 classes, not 10", "its input is text"])
    expect(opened.page.locator("#job .figure")).to_have_count(0)


def test_a_failed_job_shows_its_problem(opened: Opened):
    choose(opened.page, broken("structure_not_inferable", "send the architecture beside it"))
    alert = opened.page.get_by_role("alert")
    expect(alert).to_contain_text("send the architecture beside it")
    expect(alert.locator("code")).to_have_text("structure_not_inferable")
    expect(opened.page.locator("#job .pill")).to_have_text("failed")


def test_a_refused_upload_shows_its_problem(opened: Opened):
    choose(opened.page, b"")
    expect(opened.page.get_by_role("alert").locator("code")).to_have_text("empty_upload")


def test_a_strangers_names_are_shown_as_text(opened: Opened):
    choose(opened.page, good(0.6), name="<img src=x onerror=alert(1)>.onnx")
    expect(opened.page.locator("#job h2")).to_have_text("<img src=x onerror=alert(1)>.onnx")
    expect(opened.page.locator("#job table th", has_text="<img src=x onerror=alert(1)>")).to_have_count(1)
    assert "<img" in HOSTILE
    assert opened.page.locator("#job img").count() == 0


def test_findings_and_architecture_are_listed(opened: Opened):
    choose(opened.page, good(0.6))
    expect(opened.page.locator(".finding")).to_have_count(2)
    expect(opened.page.locator(".architecture tbody tr")).to_have_count(4)
    expect(opened.page.locator(".architecture")).to_contain_text("Not understood, and left out: Einsum mix")


def test_recent_jobs_are_listed_and_lead_to_their_report(opened: Opened):
    for accuracy in (0.5, 0.6):
        choose(opened.page, good(accuracy), name=f"net-{accuracy}.onnx")
        expect(opened.page.locator("#job .figure").first).to_have_text(f"{accuracy:.0%}".replace("%", ".0\u202f%"))
    links = opened.page.locator("#recent tbody a")
    expect(links).to_have_text(["net-0.6.onnx", "net-0.5.onnx"])
    links.nth(1).click()
    expect(opened.page.locator("#job h2")).to_have_text("net-0.5.onnx")
    expect(opened.page).to_have_url(re.compile("#jobs/job-1$"))


def test_an_address_with_a_job_opens_it(opened: Opened, served: Served):
    choose(opened.page, good(0.6))
    expect(opened.page.locator("#job .figure").first).to_be_visible()
    opened.page.goto("about:blank")
    opened.page.goto(f"{served.url}/#jobs/job-1")
    expect(opened.page.locator("#job .figure").first).to_have_text("60.0\u202f%")
    opened.page.goto("about:blank")
    opened.page.goto(f"{served.url}/#jobs/job-9")
    expect(opened.page.get_by_role("alert").locator("code")).to_have_text("job_not_found")


def test_a_running_job_can_be_canceled(opened: Opened, served: Served):
    served.service.held = True
    choose(opened.page, good(0.6))
    opened.page.get_by_role("button", name="Cancel").click()
    expect(opened.page.locator("#job .pill")).to_have_text("canceled")
    assert served.service.jobs["job-1"].status is JobStatus.CANCELED


def test_the_page_is_usable_from_the_keyboard(opened: Opened):
    names = []
    for _ in range(5):
        opened.page.keyboard.press("Tab")
        names.append(opened.page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert names == ["Skip to content", "Metagauge", "API", "file", "sidecar"]


def test_nothing_is_loaded_from_elsewhere_and_the_content_policy_holds(opened: Opened, served: Served):
    choose(opened.page, good(0.6))
    expect(opened.page.locator("#job .figure").first).to_be_visible()
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(served.url)] == []


def test_the_record_of_complaints_notices_a_broken_policy(opened: Opened):
    with opened.page.expect_console_message():
        opened.page.evaluate("document.body.setAttribute('style', 'color: red')")
    assert any("Content Security Policy" in complaint for complaint in opened.complaints)


def test_the_files_of_one_network_are_sent_together(opened: Opened, served: Served):
    names = ["model-1-of-2.safetensors", "model-2-of-2.safetensors", "model.safetensors.index.json"]
    opened.page.evaluate(DROP, [["config.json", "{}"], *[[name, good(0.6).decode()] for name in names]])
    expect(opened.page.locator("#job .figure").first).to_be_visible()
    assert served.service.names["job-1"] == names
    assert served.service.sidecars["job-1"] == b"{}"


def test_what_a_prediction_rests_on_stands_under_it(opened: Opened):
    choose(opened.page, good(0.6))
    expect(opened.page.locator("#job .by")).to_contain_text("what the network answers to synthetic images")
    expect(opened.page.locator("#job .grounds li")).to_have_text([f"assumed{ASSUMPTION}"])
    expect(opened.page.locator("#job .facts")).to_contain_text("Moved by rescaling neurons0.04 points")
    opened.page.get_by_text("Nearest known networks").click()
    cells = opened.page.locator("#job .nearest tbody tr").first.locator("th, td")
    expect(cells).to_have_text(["resnet", "58.7\u202f%", "1.25", "3 blocks of 16 channels"])


def test_what_is_declared_is_sent_and_shown(opened: Opened, served: Served):
    opened.page.locator("#declarations summary").click()
    opened.page.get_by_label("Mean of red").fill("0.5, 0.5, 0.5")
    opened.page.get_by_label("Standard deviation").fill("0.25,0.25,0.2")
    opened.page.get_by_label("Classes in the order").fill("truck,1,2,3,4,5,6,7,8,airplane")
    expect(opened.page.locator("#declared")).to_have_text("declared")
    choose(opened.page, good(0.6))
    stated = opened.page.locator("#job .grounds li")
    expect(stated).to_have_count(2)
    expect(stated.first).to_contain_text("mean (0.5, 0.5, 0.5) and standard deviation (0.25, 0.25, 0.2)")
    expect(stated.last).to_contain_text("classes in the order truck, automobile")
    assert served.service.declared["job-1"].input_std == (0.25, 0.25, 0.2)


def test_a_declaration_that_cannot_be_so_is_a_problem(opened: Opened):
    opened.page.locator("#declarations summary").click()
    opened.page.get_by_label("Mean of red").fill("125,123,114")
    opened.page.get_by_label("Standard deviation").fill("0,0,0")
    choose(opened.page, good(0.6))
    alert = opened.page.get_by_role("alert")
    expect(alert.locator("code")).to_have_text("declaration_invalid")
    expect(alert).to_contain_text("divide numbers for pixels from 0 to 255 by 255")


def test_one_predictor_is_no_choice(opened: Opened):
    expect(opened.page.locator("#served")).to_be_visible()
    expect(opened.page.locator("#predictor-choice")).to_be_hidden()


def test_of_several_predictors_one_is_chosen_by_what_it_is_good_at(opened: Opened, served: Served):
    served.service.served = 2
    opened.page.reload()
    opened.page.get_by_text("What is served").click()
    expect(opened.page.locator(".served")).to_have_count(2)
    other = opened.page.locator('.served[data-name="cifar10-varying-cnn"]')
    expect(other).to_contain_text("small CNNs")
    expect(other.locator(".facts > div")).to_have_text(["r20.9", "tau0.8"])
    other.get_by_text("Its card").click()
    expect(other.locator("pre")).to_contain_text("# cifar10-varying-cnn-v1")
    expect(other.locator("pre")).to_contain_text("<b>0.7</b>")
    opened.page.get_by_label("Predictor").select_option("cifar10-varying-cnn")
    choose(opened.page, good(0.6))
    expect(opened.page.locator("#job .by")).to_contain_text("Predicted by cifar10-varying-cnn v1")
    assert served.service.jobs["job-1"].predictor == "cifar10-varying-cnn"
