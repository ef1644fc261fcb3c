import type { ComponentChildren } from "preact";
import { Brand } from "../../components/brand";
import "./frame.css";

/** The frame of every page for people who have not signed in: one card. */
export const SignInFrame = ({ children }: { children: ComponentChildren }) => (
    <div class="sign-in">
        <header>
            <Brand />
        </header>
        <main class="sign-in-main">
            <div class="sign-in-card">{children}</div>
        </main>
    </div>
);
