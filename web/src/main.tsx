import { render } from "preact";
import { followLinks } from "./router";
import { findOut } from "./state/account";
import { applyTheme } from "./state/theme";
import { App } from "./views/App";

applyTheme();
followLinks();
void findOut();
render(<App />, document.getElementById("page")!);
