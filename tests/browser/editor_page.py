"""The editor's page as a person handles it: the dock over the canvas and what stands in it."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page


def dock(page: Page) -> Locator:
    """The dock over the canvas, unfolded."""
    return page.locator(".pb-dock")


def settings(page: Page) -> Locator:
    """The settings of what is selected."""
    return page.locator(".pb-dock .pb-form")


def side(page: Page) -> Locator:
    """The panel that the page draws in the dock."""
    return page.locator(".st-key-side")


def tab(page: Page, name: str) -> None:
    """Bring a tab of the dock to the front, folded or not."""
    tabs = page.locator(".pb-dock [role=tab], .pb-rail button")
    tabs.filter(has_text=re.compile(f"^{name}")).click()


def front(page: Page) -> Locator:
    """The tab that is in front."""
    return page.locator(".pb-dock [role=tab][aria-selected=true]")
