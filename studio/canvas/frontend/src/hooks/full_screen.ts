// The page without the browser around it, and back.

/** Where the browser does not let a page do so (a frame, a telephone), nothing happens. */
export async function fullScreen(page: Document = document): Promise<void> {
  try {
    await (page.fullscreenElement ? page.exitFullscreen() : page.documentElement.requestFullscreen());
  } catch {
    return;
  }
}
