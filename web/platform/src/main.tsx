import { render } from "preact";
import { useEffect } from "preact/hooks";
import { LocationProvider, Route, Router, useLocation } from "preact-iso";
import { Broken } from "./components/broken";
import { Dialogs } from "./components/dialog";
import { Progress, Shell } from "./components/shell";
import { showTheme } from "./components/theme";
import { Toasts } from "./components/toast";
import "./design/base.css";
import { isLoadingPage, setRoute } from "./navigation";
import { SignInFrame } from "./pages/sign-in/frame";
import { linkToken } from "./pages/sign-in/link-token";
import { notFound, pages, preload, publicPages } from "./routes";

const Application = () => {
    const { path, route } = useLocation();
    useEffect(() => setRoute(route), [route]);
    return Object.hasOwn(publicPages, path) ? (
        <SignInFrame>
            <Pages all={publicPages} />
        </SignInFrame>
    ) : (
        <Shell>
            <Pages all={pages} />
        </Shell>
    );
};

const Pages = ({ all }: { all: typeof pages }) => {
    // Without its frame, a page does not go on loading.
    useEffect(
        () => () => {
            isLoadingPage.value = false;
        },
        [],
    );
    return (
        <Broken>
            <Router
                onLoadStart={() => {
                    isLoadingPage.value = true;
                }}
                onLoadEnd={() => {
                    isLoadingPage.value = false;
                }}
            >
                {Object.entries(all).map(([path, component]) => (
                    <Route key={path} path={path} component={component} />
                ))}
                <Route default component={notFound} />
            </Router>
        </Broken>
    );
};

// Before anything else: the token of a mailed link leaves the address.
linkToken();
preload(location.pathname);
showTheme();
// A page that the browser kept may show what belongs to a person who has signed out since.
addEventListener("pageshow", ({ persisted }) => {
    if (persisted) location.reload();
});
const place = document.getElementById("application");
if (place) {
    render(
        <LocationProvider>
            <Progress />
            <Application />
            <Dialogs />
            <Toasts />
        </LocationProvider>,
        place,
    );
}
