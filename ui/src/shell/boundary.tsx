// One broken part says so; the rest of the page goes on.
import { Component, type ReactNode } from "react";

interface Props {
  what: string;
  /** Changes when another try makes sense: the address, usually. */
  reset?: string;
  children: ReactNode;
}

export class Boundary extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidUpdate(before: Props) {
    if (this.state.error && before.reset !== this.props.reset) this.setState({ error: null });
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <div className="l-failure" role="alert">
        <p>
          <strong>This {this.props.what} cannot be shown.</strong> {this.state.error.message}
        </p>
        <button type="button" className="l-button" onClick={() => this.setState({ error: null })}>
          Try again
        </button>
      </div>
    );
  }
}
