import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="undo-email-change" />;

export default Page;
