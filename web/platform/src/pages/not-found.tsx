import { LinkButton } from "../components/button";
import { PageHeader } from "../components/page-header";
import { general as texts } from "../texts";

const NotFound = () => (
    <>
        <PageHeader title={texts.notFound} text={texts.notFoundText} />
        <p>
            <LinkButton href="/" icon="home">
                {texts.goHome}
            </LinkButton>
        </p>
    </>
);

export default NotFound;
