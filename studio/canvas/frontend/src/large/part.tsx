// A part of the editor in a file of its own, fetched when it is first shown. What does not load or show is said in
// its place, and takes nothing else down.

import { Component, type ComponentType, type ReactNode, Suspense, lazy, useState } from "react";

export class Boundary extends Component<{ again: () => void; children: ReactNode }, { failed: boolean }> {
  state = { failed: false };
  static getDerivedStateFromError = (): { failed: boolean } => ({ failed: true });
  render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <div role="alert">
        <p className="pb-note-line">This part could not be loaded. Reload the page.</p>
        <button type="button" className="pb-button" onClick={this.props.again}>
          Try again
        </button>
      </div>
    );
  }
}

/** The component that a file gives. A file that did not come is asked for anew: `lazy` would keep the failure. */
export function partOf<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> & Again {
  const fresh = () => lazy(() => load().then((part) => ({ default: part })));
  let Now = fresh();
  const again = () => void (Now = fresh());
  const Part = (props: P) => {
    const [tries, setTries] = useState(0);
    const Shown = Now as ComponentType<P>;
    return (
      <Boundary key={tries} again={() => (again(), setTries(tries + 1))}>
        <Suspense fallback={<div className="pb-wait" />}>
          <Shown {...props} />
        </Suspense>
      </Boundary>
    );
  };
  return Object.assign(Part, { again });
}

interface Again {
  /** Forget the file that did not come. */
  again: () => void;
}
