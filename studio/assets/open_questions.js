// The count beside Inbox in the navigation. Streamlit draws the link once per rerun of a page; what
// others ask or answer meanwhile is asked for here, so that no page is run again for it.
{
  const every = 2000
  const base = [...document.scripts].map(s => s.src.split("static/js/")).find(p => p[1])?.[0] ?? "./"
  let waiting = 0, asking = false
  const look = async () => {
    clearTimeout(waiting)
    if (document.hidden || asking) return // one loop: the answer that is under way goes on with it
    asking = true
    try {
      const answer = await fetch(new URL(base + "patchbay/open-questions", document.baseURI))
      if (!answer.ok) return // another server has this address now, or its key is another one
      const { open } = await answer.json()
      document.documentElement.style.setProperty("--open-questions", open ? `" (${open})"` : "none")
    } catch { /* the server is away; the page says so */ } finally { asking = false }
    waiting = setTimeout(look, every)
  }
  document.addEventListener("visibilitychange", look)
  look()
}
